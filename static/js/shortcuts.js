// Ctrl/Cmd+K goes to the patient search from anywhere. Shortcuts of one screen: data-shortcut="alt+shift+s" on a
// focusable element or button (focus for fields, click for the rest). Only with a modifier, so typing is never taken.
export function initShortcuts() {
  document.addEventListener("keydown", (event) => {
    if (event.repeat) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.code === "KeyK") {
      const box = document.querySelector("[data-patient-search]");
      if (box) {
        event.preventDefault();
        box.focus();
        box.select();
      }
      return;
    }
    if (!event.ctrlKey && !event.metaKey && !event.altKey) return;
    const keys = [];
    if (event.ctrlKey || event.metaKey) keys.push("ctrl");
    if (event.altKey) keys.push("alt");
    if (event.shiftKey) keys.push("shift");
    keys.push(event.code.replace(/^Key|^Digit/, "").toLowerCase());
    const target = document.querySelector(`[data-shortcut="${CSS.escape(keys.join("+"))}"]`);
    if (!target || target.closest("dialog:not([open])")) return;
    event.preventDefault();
    if (target.matches("input, textarea, select")) target.focus();
    else target.click();
  });
}
