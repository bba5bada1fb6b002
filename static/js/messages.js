// Messages of the page and toasts. A response with the header HX-Trigger: {"toast": {"text": "..", "tone": "success"}} shows one.
import { onElements } from "./dom.js";

const SHORT = 6_000;

export function toast(words, tone = "success") {
  if (!words) return;
  const template = document.getElementById("toast-template");
  const area = document.getElementById(tone === "danger" || tone === "warning" ? "toasts-alert" : "toasts-status");
  if (!template || !area) return;
  const item = template.content.firstElementChild.cloneNode(true);
  item.classList.add(`banner-${tone}`);
  item.querySelector("[data-toast-text]").textContent = words;
  for (const icon of item.querySelectorAll("[data-toast-icon]")) icon.hidden = icon.dataset.toastIcon !== (tone === "success" ? "success" : "alert");
  area.append(item);
  while (area.children.length > 3) area.firstElementChild.remove();
  // Failures stay until they are read and closed.
  if (tone === "success" || tone === "info") setTimeout(() => item.remove(), SHORT);
}

export function initMessages() {
  document.addEventListener("click", (event) => {
    event.target.closest("[data-close]")?.closest("[data-closable]")?.remove();
  });
  document.body.addEventListener("toast", (event) => {
    const { text, tone } = event.detail || {};
    toast(text ?? event.detail?.value, tone);
  });
  // Toasts that a fragment brings out of band close by themselves too.
  onElements("[data-toast]", (item) => { setTimeout(() => item.remove(), SHORT); });
}
