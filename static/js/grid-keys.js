// Arrow keys move between the links of a table marked data-grid-keys: up and down by time, left and right by column.
import { onElements } from "./dom.js";

const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

function middle(element) {
  const box = element.getBoundingClientRect();
  return [box.left + box.width / 2, box.top];
}

function next(links, from, [dx, dy]) {
  const [x, y] = middle(from);
  const ahead = links
    .filter((link) => link !== from)
    .map((link) => {
      const [linkX, linkY] = middle(link);
      return { link, along: dx ? (linkX - x) * dx : (linkY - y) * dy, across: Math.abs(dx ? linkY - y : linkX - x) };
    })
    .filter(({ along }) => along > 4);
  // Same column (or line) first, then the nearest.
  ahead.sort((a, b) => (a.across > 24) - (b.across > 24) || a.along + a.across * 2 - (b.along + b.across * 2));
  return ahead[0]?.link;
}

onElements("[data-grid-keys]", (table) => {
  table.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const from = event.target.closest("a[href]");
    if (!step || !from || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const target = next([...table.querySelectorAll("tbody a[href]")], from, step);
    if (target) {
      event.preventDefault();
      target.focus();
    }
  });
});
