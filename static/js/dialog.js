// Native dialogs and menus. data-dialog-open="id" opens, data-dialog-close closes; a fragment <dialog data-dialog-auto>
// brought by htmx opens itself and leaves the page when closed. <details data-menu> closes on Escape and outside clicks.
import { onElements } from "./dom.js";

export function initDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog-open]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialogOpen);
      if (dialog?.showModal) {
        event.preventDefault();
        dialog.showModal();
      }
    }
    if (event.target.closest("[data-dialog-close]")) {
      event.preventDefault();
      event.target.closest("dialog")?.close();
    }
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  onElements("dialog[data-dialog-auto]", (dialog) => {
    const before = document.activeElement;
    dialog.showModal();
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before?.isConnected) before.focus();
    });
  });

  onElements("details[data-menu]", (menu) => {
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
    });
  });
}
