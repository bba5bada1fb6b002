// Backup codes and keys: copy, and save as a text file. The buttons show only where the browser can do it.
import { onElements } from "./dom.js";

function textOf(selector) {
  const element = document.querySelector(selector);
  if (!element) return "";
  const items = [...element.querySelectorAll("li")];
  return items.length ? items.map((item) => item.textContent.trim()).join("\n") : element.textContent.trim();
}

function say(button, words) {
  const label = button.querySelector("span");
  if (!label || !words) return;
  const before = label.textContent;
  label.textContent = words;
  label.setAttribute("role", "status");
  setTimeout(() => { label.textContent = before; label.removeAttribute("role"); }, 2500);
}

export function initCodes() {
  onElements("[data-copy-box]", (box) => { box.hidden = false; });

  onElements("[data-copy]", (button) => {
    if (!navigator.clipboard) {
      button.hidden = true; // plain http outside localhost
      return;
    }
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(textOf(button.dataset.copy));
        say(button, button.dataset.copied);
      } catch {
        button.hidden = true;
      }
    });
  });

  onElements("[data-download]", (button) => {
    button.addEventListener("click", () => {
      const text = `${button.dataset.head}\n\n${textOf(button.dataset.download)}\n`;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
      link.download = button.dataset.fileName;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });
  });
}
