// The search box of every staff page: a combobox whose list unfolds below it. Arrows choose, Enter opens what is chosen,
// Escape closes; Enter alone goes to the page, which opens the one patient of a scanned number by itself. Without this module the form posts to the search page.
import { settling } from "./search-settled.js";

export function initSearchBox() {
  const form = document.querySelector("[data-search-box]");
  const panel = document.getElementById("search-panel");
  if (!form || !panel) return;
  const box = form.querySelector("[data-patient-search]");
  const status = form.querySelector("[data-search-status]");
  const settled = settling();
  const options = () => [...panel.querySelectorAll("[data-option]")];
  const words = () => box.value.trim();
  let asked = null; // the words of the request under way
  let answered = null; // the words the list answers
  let active = -1;

  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-expanded", "false");
  box.setAttribute("aria-controls", "search-options");

  function choose(index) {
    const all = options();
    active = all.length ? Math.max(-1, Math.min(index, all.length - 1)) : -1;
    all.forEach((option, at) => option.setAttribute("aria-selected", String(at === active)));
    if (active >= 0) {
      box.setAttribute("aria-activedescendant", all[active].id);
      all[active].scrollIntoView({ block: "nearest" });
    } else {
      box.removeAttribute("aria-activedescendant");
    }
  }

  function open() {
    panel.hidden = false;
    box.setAttribute("aria-expanded", "true");
  }

  function close() {
    panel.hidden = true;
    box.setAttribute("aria-expanded", "false");
    choose(-1);
  }

  const ask = () => box.dispatchEvent(new Event("search-box:ask"));

  box.addEventListener("focus", () => {
    if (answered === words() && panel.childElementCount) open();
    else ask();
  });

  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const isOpen = !panel.hidden;
    const isFresh = answered === words();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) ask();
      else if (isFresh) choose(event.key === "ArrowDown" ? active + 1 : active - 1);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Enter" && isOpen && isFresh && active >= 0) {
      event.preventDefault();
      options()[active].click();
    }
  });

  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target === panel) asked = words();
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== panel) return;
    answered = asked;
    choose(-1);
    if (!form.contains(document.activeElement)) return;
    open();
    status.textContent = panel.querySelector("[data-search-note]")?.textContent.trim() || "";
    settled(form.action, answered);
  });

  document.addEventListener("click", (event) => {
    if (!form.contains(event.target)) close();
  });
  form.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !form.contains(event.relatedTarget)) close();
  });
}
