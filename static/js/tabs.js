// Rows of tabs that are wider than the screen show the open tab, also when it is the last one.
import { onElements } from "./dom.js";

export function initTabs() {
  onElements(".tabs", (row) => {
    const open = row.querySelector("[aria-current]");
    if (!open) return;
    const show = () => {
      const middle = open.getBoundingClientRect().left - row.getBoundingClientRect().left + open.offsetWidth / 2;
      row.scrollLeft += middle - row.clientWidth / 2;
    };
    new ResizeObserver(show).observe(row); // also runs at once
  });
}
