// Thousand dots while typing a rupiah amount: <input data-money inputmode="numeric">. The server reads "150.000" as it is.
import { onElements } from "./dom.js";

const MOST_DIGITS = 12;

export function withDots(text) {
  const digits = text.replace(/\D/g, "").replace(/^0+(?=\d)/, "").slice(0, MOST_DIGITS);
  return digits.replace(/\B(?=(\d{3})+$)/g, ".");
}

export function initMoney() {
  onElements("input[data-money]", (input) => {
    const format = () => {
      const before = input.value;
      const after = withDots(before);
      if (after === before) return;
      // Keep the caret behind the same digit.
      const digitsLeft = before.slice(0, input.selectionStart ?? before.length).replace(/\D/g, "").length;
      input.value = after;
      if (document.activeElement !== input) return;
      let caret = 0;
      for (let seen = 0; caret < after.length && seen < digitsLeft; caret += 1) if (/\d/.test(after[caret])) seen += 1;
      input.setSelectionRange(caret, caret);
    };
    input.addEventListener("input", format);
    format();
  });

  // data-money-fill="150000" buttons (quick notes of the cashier) fill data-money-target.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-money-fill]");
    const input = button && document.getElementById(button.dataset.moneyTarget);
    if (!input) return;
    input.value = withDots(button.dataset.moneyFill);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.focus();
  });

  // Change while typing: <output data-money-change data-paid="id of the input" data-due="125000">.
  onElements("[data-money-change]", (output) => {
    const input = document.getElementById(output.dataset.paid);
    if (!input) return;
    const show = () => {
      const rest = Number(input.value.replace(/\D/g, "")) - Number(output.dataset.due);
      output.textContent = input.value && rest >= 0 ? `Rp${withDots(String(rest))}` : "–";
    };
    input.addEventListener("input", show);
    show();
  });
}
