// Small helpers shared by the modules.

export const isTextField = (element) =>
  element instanceof Element &&
  (element.matches("textarea, select, [contenteditable], [contenteditable] *") ||
    element.matches("input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=reset], [type=range])"));

/** Run `bind` for each match now and for matches that htmx brings later; never twice for one element. */
export function onElements(selector, bind) {
  const done = new WeakSet();
  const scan = (root) => {
    const found = root.matches?.(selector) ? [root, ...root.querySelectorAll(selector)] : root.querySelectorAll(selector);
    for (const element of found) {
      if (!done.has(element)) {
        done.add(element);
        bind(element);
      }
    }
  };
  scan(document);
  document.addEventListener("htmx:load", (event) => scan(event.detail.elt));
}

export function csrfHeaders() {
  try {
    return JSON.parse(document.body.getAttribute("hx-headers") || "{}");
  } catch {
    return {};
  }
}

export const text = (name, fallback = "") => document.body.dataset[name] || fallback;
