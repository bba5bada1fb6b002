// What htmx could not do is said aloud. 409 and 422 are answers and are swapped in; the rest becomes a message.
import { text } from "./dom.js";
import { toast } from "./messages.js";

export function initHtmxErrors() {
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { status } = event.detail.xhr;
    if (status === 409 || status === 422) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  document.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    if (status === 423) return; // locked: idle.js covers the page
    if (status === 401) toast(text("errorSession"), "danger");
    else if (status === 403) toast(text("errorForbidden"), "danger");
    else if (status === 404) toast(text("errorGone"), "danger");
    else if (status === 429) toast(text("errorWait"), "danger");
    else toast(text("errorServer"), "danger");
  });
  // A page that is being left aborts its requests: that is no failure.
  let leaving = false;
  addEventListener("beforeunload", () => { leaving = true; setTimeout(() => { leaving = false; }, 2000); });
  const offline = () => { if (!leaving) toast(text("errorOffline"), "danger"); };
  document.addEventListener("htmx:sendError", offline);
  document.addEventListener("htmx:timeout", offline);
  document.body.addEventListener("product:offline", offline);
}
