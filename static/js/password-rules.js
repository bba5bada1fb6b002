// A new password: what it still needs, ticked off while it is typed. The server checks again, and knows more rules.
import { onElements } from "./dom.js";

const LENGTH = 12;
const TESTS = {
  length: (text) => [...text].length >= LENGTH,
  upper: (text) => /\p{Lu}/u.test(text),
  lower: (text) => /\p{Ll}/u.test(text),
  digit: (text) => /\p{Nd}/u.test(text),
};
const SPEAK_AFTER = 1000;

function build(input, { rules, words }) {
  const list = document.createElement("ul");
  list.className = "password-rules";
  list.setAttribute("aria-label", words.title);
  const items = Object.entries(rules).map(([name, label]) => {
    const item = document.createElement("li");
    const state = document.createElement("span");
    state.className = "visually-hidden";
    item.append(label, " ", state);
    list.append(item);
    return { name, label, item, state };
  });
  const status = document.createElement("p");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  (input.closest(".input-group") || input).after(list, status);
  return { items, status };
}

export function initPasswordRules() {
  onElements("input[data-password-rules]", (input) => {
    const { rules, words } = JSON.parse(input.dataset.passwordRules);
    const { items, status } = build(input, { rules, words });
    let timer;
    const look = () => {
      const open = [];
      for (const { name, label, item, state } of items) {
        const met = TESTS[name](input.value);
        item.classList.toggle("is-met", met);
        state.textContent = `(${met ? words.met : words.open})`;
        if (!met) open.push(label);
      }
      clearTimeout(timer);
      if (input.value) {
        timer = setTimeout(() => { status.textContent = open.length ? `${words.title} ${open.join(", ")}` : words.all; }, SPEAK_AFTER);
      }
    };
    input.addEventListener("input", look);
    look();
  });
}
