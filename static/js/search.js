// Keyboard for the patient search: arrows walk from the box through the results and back, Enter in the box opens the
// only result. Without this module the form posts and the links work.
const box = document.getElementById("patient-q");
const results = document.getElementById("patient-results");
const links = () => [...results.querySelectorAll("[data-result]")];

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
    if (event.key === "ArrowDown" && links().length) {
      event.preventDefault();
      links()[0].focus();
    } else if (event.key === "Enter" && links().length === 1 && box.dataset.answered === box.value.trim()) {
      event.preventDefault();
      links()[0].click();
    }
  });
  // Enter may only open what answers the words in the box now, not those of a moment ago.
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target === results) box.dataset.asked = box.value.trim();
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === results) box.dataset.answered = box.dataset.asked;
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
