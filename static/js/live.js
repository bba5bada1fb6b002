// One WebSocket per page. A message {"topic": "queue"} becomes the event "live:queue" on <body>, so
// hx-trigger="live:queue from:body" refetches. Without a connection the page asks by itself every 20 seconds.
// A message may name a row: {"topic": "queue", "kind": "visit", "id": "..."}. An element with data-live-kind or
// data-live-id refetches for that kind or row only; for a message that names none, and after a gap, it always does.
const OFFLINE_AFTER = 15_000;
const POLL_EVERY = 20_000;
const LONGEST_WAIT = 30_000;
const FRESH = 3_000; // a page that connects later than this after it was loaded looks again

let socket = null;
let tries = 0;
let lostAt = Date.now();
let known = false;
let timer = null;

const tell = (topic, kind = "", id = "") =>
  document.body.dispatchEvent(new CustomEvent(`live:${topic}`, { bubbles: true, detail: { topic, kind, id } }));
const tellAll = () => topicsOnPage().forEach((topic) => tell(topic));
const word = (value) => (typeof value === "string" && /^[\w-]{1,40}$/.test(value) ? value : "");

/** Whether an element wants to hear of this change; what the message leaves out concerns everybody. */
export function concerns(element, { kind = "", id = "" }) {
  const { liveKind, liveId } = element.dataset;
  const fits = (wanted, told) => !wanted || !told || wanted.split(" ").includes(told);
  return fits(liveKind, kind) && fits(liveId, id);
}

function topicsOnPage() {
  const topics = new Set();
  for (const element of document.querySelectorAll("[hx-trigger*='live:']")) {
    for (const [, topic] of element.getAttribute("hx-trigger").matchAll(/live:([\w-]+)/g)) topics.add(topic);
  }
  return topics;
}

function showOffline(offline) {
  for (const element of document.querySelectorAll("[data-live-offline]")) element.hidden = !offline;
}

function connect(address) {
  clearTimeout(timer);
  if (document.documentElement.classList.contains("is-locked")) return; // idle.js says when to go on
  const url = new URL(address, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  try {
    socket = new WebSocket(url);
  } catch {
    retry(address);
    return;
  }
  socket.addEventListener("open", () => {
    const missed = known || performance.now() > FRESH;
    tries = 0;
    lostAt = null;
    known = true;
    showOffline(false);
    if (missed) tellAll();
  });
  socket.addEventListener("message", (event) => {
    try {
      const message = JSON.parse(event.data);
      const topic = word(message.topic);
      if (topic === "missed") tellAll();
      else if (topic) tell(topic, word(message.kind), word(message.id));
    } catch {
      // Not ours: ignore.
    }
  });
  socket.addEventListener("close", () => retry(address));
}

function retry(address) {
  socket = null;
  lostAt ??= Date.now();
  known = true;
  tries += 1;
  const ceiling = Math.min(LONGEST_WAIT, 1000 * 2 ** Math.min(tries, 5));
  timer = setTimeout(() => connect(address), ceiling / 2 + Math.random() * (ceiling / 2));
}

export function initLive() {
  const address = document.body.dataset.liveUrl;
  if (!address) return;
  connect(address);
  let polledAt = Date.now();
  setInterval(() => {
    if (lostAt === null || Date.now() - lostAt < OFFLINE_AFTER) return;
    showOffline(true);
    if (Date.now() - polledAt >= POLL_EVERY && !document.hidden) {
      polledAt = Date.now();
      tellAll();
    }
  }, 1000);
  document.addEventListener("htmx:confirm", (event) => {
    const cause = event.detail.triggeringEvent;
    if (cause?.type.startsWith("live:") && !concerns(event.detail.elt, cause.detail)) event.preventDefault();
  });
  addEventListener("online", () => { if (!socket) connect(address); });
  document.addEventListener("session:unlocked", () => { if (!socket) connect(address); });
  // A page in the back/forward cache may not hold a socket.
  addEventListener("pagehide", () => { clearTimeout(timer); socket?.close(); });
  addEventListener("pageshow", (event) => { if (event.persisted && !socket) connect(address); });
}
