// Plain forms: one submit per click, the error summary in focus, show password, caps lock hint.
import { onElements } from "./dom.js";

function busy(button) {
  button.setAttribute("aria-busy", "true");
  button.dataset.busy = "";
  // The browser has already built the request's data with this button in it; disabling now only stops a second click.
  setTimeout(() => { button.disabled = true; }, 0);
}

function release(root = document) {
  for (const button of root.querySelectorAll("[data-busy]")) {
    delete button.dataset.busy;
    button.removeAttribute("aria-busy");
    button.disabled = false;
  }
  for (const form of root.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
}

export function initForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    // htmx forms disable themselves (hx-disabled-elt); GET forms, downloads and new tabs stay usable.
    if (event.defaultPrevented || form.method !== "post" || form.matches("[hx-post], [hx-put], [data-resend], [target=_blank]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    const button = event.submitter || form.querySelector("button[type=submit], button:not([type])");
    if (button) busy(button);
  });
  // Back button: the page comes from the cache with its buttons still off.
  addEventListener("pageshow", () => release());

  onElements("[data-error-summary]", (summary) => {
    summary.focus();
    summary.addEventListener("click", (event) => {
      const link = event.target.closest("a[href^='#']");
      if (!link) return;
      const target = document.getElementById(link.getAttribute("href").slice(1));
      const field = target?.matches("input, select, textarea") ? target : target?.querySelector("input, select, textarea");
      if (field) {
        event.preventDefault();
        (field.tomselect || field).focus();
        (field.closest(".field") || field).scrollIntoView({ block: "center" });
      }
    });
  });

  onElements("[data-password-toggle]", (button) => {
    const input = document.getElementById(button.getAttribute("aria-controls"));
    if (!input) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      const show = input.type === "password";
      input.type = show ? "text" : "password";
      button.setAttribute("aria-pressed", String(show));
      button.querySelector("[data-when-hidden]").hidden = show;
      button.querySelector("[data-when-shown]").hidden = !show;
      input.focus();
    });
    // A password must not be sent, or remembered by the browser, as plain text.
    input.form?.addEventListener("submit", () => { input.type = "password"; });
  });

  onElements("input[type=password]", (input) => {
    const hint = document.getElementById(`${input.id}_caps`);
    if (!hint) return;
    const look = (event) => { hint.hidden = !event.getModifierState?.("CapsLock"); };
    input.addEventListener("keydown", look);
    input.addEventListener("keyup", look);
    input.addEventListener("blur", () => { hint.hidden = true; });
  });

  // <select data-autosubmit>: filters that apply as soon as they change; the form keeps its button for everyone else.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-autosubmit]")) event.target.form?.requestSubmit();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });
}
