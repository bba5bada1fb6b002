// Keyboard for the patient search: arrows walk from the box through the results and back, Enter in the box opens the
// only result, also when it comes before the answer to a scanned number. Without this module the form posts and the
// links work.
import { settling } from "./search-settled.js";

const box = document.getElementById("patient-q");
const results = document.getElementById("patient-results");
const links = () => [...results.querySelectorAll("[data-result]")];
const isAnswered = () => (box.dataset.answered ?? box.defaultValue.trim()) === box.value.trim();
let isWaiting = false; // arrow down was pressed before the answer was there
let isEntered = false; // Enter was
const settled = settling();

function step(from, by) {
  const all = links();
  const at = all.indexOf(from) + by;
  if (at < 0) {
    box.focus();
    box.select();
  } else {
    all[Math.min(at, all.length - 1)]?.focus();
  }
}

if (box && results) {
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    isWaiting = event.key === "ArrowDown" && !isAnswered();
    isEntered = event.key === "Enter" && !isAnswered();
    if (event.key === "ArrowDown" && (isWaiting || links().length)) {
      event.preventDefault();
      if (!isWaiting) links()[0].focus();
    } else if (event.key === "Enter" && links().length === 1 && box.dataset.answered === box.value.trim()) {
      event.preventDefault();
      links()[0].click();
    }
  });
  // Keys may only reach what answers the words in the box now, not those of a moment ago or the people opened lately.
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target === results) box.dataset.asked = box.value.trim();
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== results) return;
    box.dataset.answered = box.dataset.asked;
    if (isWaiting && isAnswered() && document.activeElement === box) links()[0]?.focus();
    if (isEntered && isAnswered() && links().length === 1 && results.querySelector("[data-by-number]")) links()[0].click();
    isWaiting = isWaiting && !isAnswered();
    isEntered = isEntered && !isAnswered();
    settled(box.form.action, box.dataset.answered);
  });
  results.addEventListener("keydown", (event) => {
    const link = event.target.closest("[data-result]");
    if (!link) return;
    const all = links();
    if (event.key === "ArrowDown") step(link, 1);
    else if (event.key === "ArrowUp") step(link, -1);
    else if (event.key === "Home") all[0].focus();
    else if (event.key === "End") all[all.length - 1].focus();
    else if (event.key === "Escape") box.focus();
    else return;
    event.preventDefault();
  });
  box.setSelectionRange(box.value.length, box.value.length);
}
