// The calendar: arrow keys between times, the panel of one time beside it, moving an appointment by dragging it, and a
// refresh that keeps focus and scroll. Without this module every time is a link to the page with its panel open, and
// "Move…" there leads to the form that does what dragging does.
import { onElements } from "./dom.js";

const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const HOLD = 450; // ms until a finger lifts an appointment; a shorter touch opens it, a moving one scrolls
const SLACK = 6; // px a mouse may tremble
const EDGE = 48; // px from the border of the table where dragging scrolls it
const NOBODY = "00000000-0000-0000-0000-000000000000";

const calendar = document.querySelector("[data-calendar]");
const panel = document.getElementById("calendar-panel");
const status = document.getElementById("calendar-status");

const say = (text) => { status.textContent = text; };
const addressOf = (template, id) => template.replace(NOBODY, id);

// --- Arrow keys: one link of the table is in the tab order, the others are reached by arrows -----------------------
let lastId = "";

function middle(element) {
  const box = element.getBoundingClientRect();
  return [box.left + box.width / 2, box.top];
}

function nextLink(links, from, [dx, dy]) {
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

onElements("[data-calendar-grid]", (grid) => {
  const links = [...grid.querySelectorAll("tbody a[href]")];
  const rove = (to) => {
    for (const link of links) link.tabIndex = link === to ? 0 : -1;
    lastId = to?.id || "";
  };
  const now = grid.querySelector("tr.is-now a[href], a[aria-current]");
  rove(links.find((link) => link.id && link.id === lastId) || now || links[0]);
  grid.addEventListener("focusin", (event) => {
    const link = event.target.closest("tbody a[href]");
    if (link) rove(link);
  });
  grid.addEventListener("keydown", (event) => {
    const from = event.target.closest("tbody a[href]");
    const step = STEPS[event.key];
    if (!step || !from || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const target = nextLink(links, from, step);
    if (target) {
      event.preventDefault();
      target.focus();
    }
  });
});

// --- The panel ------------------------------------------------------------------------------------------------------
function mark(slotId) {
  for (const link of calendar.querySelectorAll("[data-slot].is-chosen")) link.classList.remove("is-chosen");
  for (const link of calendar.querySelectorAll(`[data-slot="${slotId}"]`)) link.classList.add("is-chosen");
}

const openSlot = () => panel.querySelector("[data-slot-panel]")?.dataset.slotPanel || "";

async function open(link) {
  const query = calendar.dataset.query;
  await htmx.ajax("GET", `${addressOf(calendar.dataset.slotUrl, link.dataset.slot)}?${query}`, { target: panel, swap: "innerHTML" });
  if (openSlot() !== link.dataset.slot) return; // the refusal is shown as a message
  history.pushState(null, "", link.getAttribute("href"));
  mark(link.dataset.slot);
  panel.querySelector("#calendar-panel-title")?.focus({ preventScroll: true });
  link.scrollIntoView({ block: "nearest", inline: "nearest" }); // the table is narrower now
}

function close(address) {
  const slotId = openSlot();
  panel.replaceChildren();
  mark("");
  history.pushState(null, "", address);
  document.getElementById(`s-${slotId}`)?.focus();
}

function initPanel() {
  calendar.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-slot]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(link);
  });
  panel.addEventListener("click", (event) => {
    const link = event.target.closest("[data-panel-close]");
    if (!link) return;
    event.preventDefault();
    close(link.getAttribute("href"));
  });
  panel.addEventListener("keydown", (event) => {
    const link = panel.querySelector("[data-panel-close]");
    if (event.key === "Escape" && link && !document.querySelector("dialog[open]")) close(link.getAttribute("href"));
  });
  addEventListener("popstate", () => location.reload());
  mark(openSlot());
}

// --- Refresh: focus comes back by the id of the link, the scroll of the table here ----------------------------------
let stale = false;

function initRefresh() {
  let places = [];
  calendar.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target !== calendar || !lift?.ghost) return;
    event.preventDefault(); // never under a dragging hand
    stale = true;
  });
  calendar.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target !== calendar) return;
    if (lift?.ghost) {
      event.detail.shouldSwap = false;
      stale = true;
    }
    places = [...calendar.querySelectorAll("[data-keep-scroll]")].map(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop]);
  });
  calendar.addEventListener("htmx:afterSwap", (event) => {
    if (event.target !== calendar) return;
    calendar.querySelectorAll("[data-keep-scroll]").forEach((wrap, at) => {
      if (places[at]) [wrap.scrollLeft, wrap.scrollTop] = places[at];
    });
    mark(openSlot());
  });
}

// --- Dragging -------------------------------------------------------------------------------------------------------
let lift = null; // {link, x, y, timer, ghost, over}

const mayDrop = (cell) => cell && lift && cell.dataset.service === lift.link.dataset.service;

function raise() {
  clearTimeout(lift.timer);
  lift.ghost = document.createElement("div");
  lift.ghost.className = "calendar-ghost";
  lift.ghost.setAttribute("aria-hidden", "true");
  lift.ghost.textContent = lift.link.querySelector("strong")?.textContent || "";
  document.body.append(lift.ghost);
  lift.link.closest("td")?.classList.add("is-lifted");
  for (const cell of calendar.querySelectorAll("td[data-free]")) cell.classList.toggle("can-drop", mayDrop(cell));
  say(calendar.dataset.wordLifted);
  follow(lift.x, lift.y);
}

function follow(x, y) {
  lift.ghost.style.transform = `translate(${x + 12}px, ${y + 12}px)`;
  const cell = document.elementFromPoint(x, y)?.closest("td[data-free]");
  const over = mayDrop(cell) ? cell : null;
  if (over !== lift.over) {
    lift.over?.classList.remove("is-over");
    over?.classList.add("is-over");
    lift.over = over;
  }
  const wrap = lift.link.closest("[data-keep-scroll]");
  if (!wrap) return;
  const box = wrap.getBoundingClientRect();
  wrap.scrollLeft += x > box.right - EDGE ? 12 : x < box.left + EDGE ? -12 : 0;
  const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
  const down = y > bottom - EDGE ? 12 : y < top + EDGE ? -12 : 0;
  if (wrap.scrollHeight > wrap.clientHeight) wrap.scrollTop += down;
  else if (down) scrollBy(0, down);
}

function letGo() {
  if (!lift) return;
  clearTimeout(lift.timer);
  lift.ghost?.remove();
  lift.link.closest("td")?.classList.remove("is-lifted");
  lift.over?.classList.remove("is-over");
  for (const cell of calendar.querySelectorAll(".can-drop")) cell.classList.remove("can-drop");
  lift = null;
  if (stale) {
    stale = false;
    document.body.dispatchEvent(new Event("calendar:stale"));
  }
}

function drop() {
  const { link, over } = lift;
  if (over) {
    const asked = new URLSearchParams({ slot: over.dataset.free, was: link.dataset.slot, next: location.pathname + location.search });
    say("");
    htmx.ajax("GET", `${addressOf(calendar.dataset.moveUrl, link.dataset.appointment)}?${asked}`, { target: "#dialog-place", swap: "innerHTML" });
  } else {
    say(calendar.dataset.wordNowhere);
  }
  // The click that follows would open the panel.
  const swallow = (event) => { event.preventDefault(); event.stopPropagation(); };
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }), 50);
  letGo();
}

function initDragging() {
  calendar.addEventListener("pointerdown", (event) => {
    const link = event.target.closest("td a[data-appointment]");
    if (!link || event.button !== 0 || !event.isPrimary) return;
    lift = { link, x: event.clientX, y: event.clientY };
    if (event.pointerType !== "mouse") lift.timer = setTimeout(raise, HOLD);
    else lift.byMouse = true;
  });
  addEventListener("pointermove", (event) => {
    if (!lift || !event.isPrimary) return;
    const moved = Math.hypot(event.clientX - lift.x, event.clientY - lift.y) > SLACK;
    if (!lift.ghost && moved && !lift.byMouse) letGo(); // a finger that moves before the hold scrolls
    else if (!lift.ghost && moved) raise();
    if (lift?.ghost) {
      event.preventDefault();
      follow(event.clientX, event.clientY);
    }
  });
  addEventListener("pointerup", () => { if (lift?.ghost) drop(); else letGo(); });
  addEventListener("pointercancel", letGo);
  addEventListener("blur", letGo);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && lift?.ghost) {
      event.preventDefault();
      letGo();
      say("");
    }
  });
  // While a finger holds an appointment the page does not scroll, and the browser's own menu and drag stay away.
  calendar.addEventListener("touchmove", (event) => { if (lift?.ghost) event.preventDefault(); }, { passive: false });
  calendar.addEventListener("contextmenu", (event) => { if (lift && !lift.byMouse) event.preventDefault(); });
  calendar.addEventListener("dragstart", (event) => { if (event.target.closest("a[data-appointment]")) event.preventDefault(); });
}

initPanel();
initRefresh();
initDragging();
