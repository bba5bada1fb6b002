// One WebSocket per page. A message {"topic": "queue"} becomes the event "live:queue" on <body>, so
// hx-trigger="live:queue from:body" refetches. Without a connection the page asks by itself every 20 seconds.
const OFFLINE_AFTER = 15_000;
const POLL_EVERY = 20_000;
const LONGEST_WAIT = 30_000;

let socket = null;
let tries = 0;
let lostAt = Date.now();
let known = false;
let timer = null;

const tell = (topic) => document.body.dispatchEvent(new CustomEvent(`live:${topic}`, { bubbles: true, detail: { topic } }));

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
    const missed = known; // not on the first connection: the page is fresh
    tries = 0;
    lostAt = null;
    known = true;
    showOffline(false);
    if (missed) topicsOnPage().forEach(tell);
  });
  socket.addEventListener("message", (event) => {
    try {
      const { topic } = JSON.parse(event.data);
      if (typeof topic === "string" && /^[\w-]{1,40}$/.test(topic)) tell(topic);
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
      topicsOnPage().forEach(tell);
    }
  }, 1000);
  addEventListener("online", () => { if (!socket) connect(address); });
  document.addEventListener("session:unlocked", () => { if (!socket) connect(address); });
  // A page in the back/forward cache may not hold a socket.
  addEventListener("pagehide", () => { clearTimeout(timer); socket?.close(); });
  addEventListener("pageshow", (event) => { if (event.persisted && !socket) connect(address); });
}
