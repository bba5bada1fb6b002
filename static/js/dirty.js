// Warns before a page with unsaved text is left: <form data-dirty>. Saving (also by htmx) makes it clean again.
import { onElements } from "./dom.js";

const dirty = new Set();

export function initDirty() {
  onElements("form[data-dirty]", (form) => {
    form.addEventListener("input", () => dirty.add(form));
    form.addEventListener("combobox:change", () => dirty.add(form));
    form.addEventListener("htmx:afterRequest", (event) => {
      if (event.detail.successful && event.detail.requestConfig.verb !== "get") dirty.delete(form);
    });
  });
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && !event.target.matches("[hx-post], [hx-put]")) dirty.delete(event.target);
  });
  addEventListener("beforeunload", (event) => {
    for (const form of dirty) if (!form.isConnected) dirty.delete(form);
    if (dirty.size) event.preventDefault();
  });
}
