// Light, dark or as the device: switches at once, then saves. The buttons are submit buttons of a plain form.
import { csrfHeaders, isTextField } from "./dom.js";
import { toast } from "./messages.js";

const root = document.documentElement;

function apply(theme) {
  root.dataset.theme = theme;
  if (theme === "auto") {
    root.removeAttribute("data-bs-theme");
  } else {
    root.setAttribute("data-bs-theme", theme);
  }
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
}

const looksDark = () =>
  root.dataset.theme === "dark" || (root.dataset.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);

async function choose(theme) {
  const before = root.dataset.theme;
  apply(theme);
  const url = document.body.dataset.themeUrl;
  if (!url) return;
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { ...csrfHeaders(), "X-Requested-With": "fetch" },
      body: new URLSearchParams({ theme }),
      redirect: "manual",
    });
    if (!answer.ok && answer.type !== "opaqueredirect") throw new Error(String(answer.status));
  } catch {
    apply(before);
    toast(document.body.dataset.errorOffline, "danger");
  }
}

export function initTheme() {
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.matches("[data-theme-choice]") && document.body.dataset.themeUrl) {
      event.preventDefault();
      choose(button.value);
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-toggle]")) {
      event.preventDefault();
      choose(looksDark() ? "light" : "dark");
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.code !== "KeyD" || event.repeat || isTextField(event.target)) return;
    const standard = event.altKey && event.shiftKey && !event.ctrlKey && !event.metaKey;
    // Ctrl/Cmd+D is the browser's bookmark key: only for people who switched it on.
    const asked =
      document.body.hasAttribute("data-shortcut-ctrl-d") && (event.ctrlKey !== event.metaKey) && !event.altKey && !event.shiftKey;
    if (standard || asked) {
      event.preventDefault();
      choose(looksDark() ? "light" : "dark");
    }
  });
}
