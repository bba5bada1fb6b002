// Locks the page when nothing is done in it. The server decides; this module warns, covers the page in time, keeps what
// was typed, and unlocks with the password. All tabs of a browser lock and unlock together.
import { csrfHeaders } from "./dom.js";

const PING_EVERY = 60_000;
const LATE = 1_000; // the page counts a second longer than the server, which has the last word

const root = document.documentElement;
const page = document.body.dataset;
const channel = "BroadcastChannel" in window ? new BroadcastChannel("emr-session") : null;
const warnBefore = Number(page.sessionWarn) * 1000;
const tell = (what) => channel?.postMessage({ person: page.sessionPerson || "", ...what });

let mode = "open"; // open | locked | ended
let turn = 0; // raised by every lock: an answer to a question from before it says nothing about now
let deadline = Infinity;
let doneAt = 0;
let pingedAt = Date.now();
let pinging = null;
let isLocking = false; // "lock now" is on its way: until it is there the server still says "open"
let isTyped = false;
let lock = null;
let warning = null;
let title = document.title;

const inSeconds = (left) => (typeof left === "number" ? Date.now() + left * 1000 + LATE : Infinity);

// --- asking the server -----------------------------------------------------------------------------------------------

async function ask(address, fields) {
  const answer = await fetch(address, {
    method: fields ? "POST" : "GET",
    headers: { ...csrfHeaders(), Accept: "application/json", "X-Passive": "1" },
    body: fields ? new URLSearchParams(fields) : undefined,
    cache: "no-store",
    redirect: "manual",
  });
  const told = await answer.json();
  return { status: answer.status, ...told };
}

function renewToken(token) {
  if (!token) return;
  document.body.setAttribute("hx-headers", JSON.stringify({ ...csrfHeaders(), "X-CSRFToken": token }));
  for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = token;
}

// What the server says counts for every tab. Somebody else's page must never be uncovered.
function follow(told) {
  if (told.person && told.person !== page.sessionPerson) {
    cover("ended");
    location.reload();
    return;
  }
  if (told.state === "open") {
    deadline = inSeconds(told.left);
    warn(false);
    if (mode !== "open") {
      renewToken(told.csrf);
      uncover();
    }
  } else if (told.state === "locked" || told.state === "ended") {
    if (mode === "open") tell({ type: told.state });
    cover(told.state);
  }
}

async function look() {
  if (isLocking) return;
  const asked = turn;
  try {
    const told = await ask(page.sessionState);
    if (asked === turn) follow(told);
    else await look();
  } catch {
    // No connection: covered stays covered.
  }
}

async function ping() {
  clearTimeout(pinging);
  pinging = null;
  pingedAt = Date.now();
  try {
    const asked = turn;
    const told = await ask(page.sessionActive, { ago: String(Math.max(0, Math.round((Date.now() - doneAt) / 1000))) });
    if (asked !== turn) return;
    follow(told);
    if (told.state === "open") tell({ type: "active", left: told.left });
  } catch {
    // Tried again with the next key.
  }
}

// --- what people do --------------------------------------------------------------------------------------------------

function done() {
  if (mode !== "open" || Date.now() >= deadline) return;
  doneAt = Date.now();
  const since = doneAt - pingedAt;
  if (since >= PING_EVERY || warning.textContent) ping();
  else pinging ??= setTimeout(ping, PING_EVERY - since);
}

function warn(on) {
  const words = on ? warning.dataset.words : "";
  if (warning.textContent !== words) warning.textContent = words;
}

function tick() {
  if (mode !== "open" || deadline === Infinity) return;
  const left = deadline - Date.now();
  if (left <= 0) {
    cover("locked");
    look();
  } else {
    warn(left <= warnBefore);
  }
}

// --- the cover -------------------------------------------------------------------------------------------------------

function build() {
  lock = document.getElementById("session-lock-template").content.firstElementChild.cloneNode(true);
  document.body.append(lock);
  lock.addEventListener("cancel", (event) => event.preventDefault());
  lock.addEventListener("close", () => { if (mode !== "open") lock.showModal(); });
  lock.addEventListener("keydown", (event) => event.stopPropagation()); // no shortcut of the page below
  lock.querySelector("[data-lock-form]").addEventListener("submit", unlock);
  for (const field of lock.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = csrfHeaders()["X-CSRFToken"];
  const back = `${page.sessionDoor}?next=${encodeURIComponent(location.pathname + location.search)}`;
  for (const link of lock.querySelectorAll("[data-lock-sign-in], [data-lock-away]")) link.href = back;
}

function cover(how) {
  const before = mode;
  mode = how;
  turn += 1;
  root.classList.add("is-locked");
  if (before === "open") {
    title = document.title;
    document.title = page.wordLocked;
  }
  warn(false);
  if (how === "ended" && !isTyped) {
    location.assign(`${page.sessionDoor}?next=${encodeURIComponent(location.pathname + location.search)}`);
    return;
  }
  if (!lock) build();
  lock.querySelector("[data-lock-form]").hidden = how === "ended";
  lock.querySelector("[data-lock-ended]").hidden = how !== "ended";
  if (!lock.open) lock.showModal();
  lock.querySelector(how === "ended" ? "[data-lock-sign-in]" : "input[type=password]").focus();
}

function uncover() {
  mode = "open";
  root.classList.remove("is-locked");
  document.title = title;
  if (lock) {
    lock.querySelector("[data-lock-form]").reset();
    say("");
    lock.close(); // gives the focus back to where it was
  }
  document.dispatchEvent(new CustomEvent("session:unlocked"));
}

const say = (words) => { lock.querySelector("[data-lock-error]").textContent = words; };

async function unlock(event) {
  event.preventDefault();
  const form = event.target;
  const field = form.elements.namedItem("password");
  const button = form.querySelector("[type=submit]:not([form])");
  if (!field.value) {
    say(lock.querySelector("[data-lock-error]").dataset.wordsEmpty);
    field.focus();
    return;
  }
  if (button.disabled) return;
  button.disabled = true;
  try {
    const fields = { password: field.value, next: location.pathname + location.search };
    let told = await ask(page.sessionUnlock, fields);
    if (told.status === 403 || told.status === 423) {
      // The token of this page is older than the session's: once more with the present one.
      renewToken((await ask(page.sessionState)).csrf);
      told = await ask(page.sessionUnlock, fields);
    }
    if (told.status === 422) {
      say(told.error);
      field.value = "";
      field.focus();
    } else {
      follow(told);
      if (told.state === "open") tell({ type: "active", left: told.left });
    }
  } catch {
    say(page.errorOffline);
  } finally {
    button.disabled = false;
  }
}

// --- start -----------------------------------------------------------------------------------------------------------

function listen() {
  for (const name of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart", "input"]) {
    document.addEventListener(name, done, { passive: true, capture: true });
  }
  document.addEventListener("input", (event) => { if (!lock?.contains(event.target)) isTyped = true; });
  document.addEventListener("submit", (event) => { if (!event.defaultPrevented && !lock?.contains(event.target)) isTyped = false; });
  // Shortcuts of the page do nothing while it is covered.
  addEventListener("keydown", (event) => {
    if (mode !== "open" && !lock?.contains(event.target)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);

  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
  addEventListener("focus", tick);
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    root.classList.add("is-locked"); // until it is known whose turn it is
    look().then(() => { if (mode === "open") root.classList.remove("is-locked"); });
  });

  channel?.addEventListener("message", ({ data }) => {
    if (data.person !== page.sessionPerson || (data.type === "ended" && mode !== "ended")) look();
    else if (mode !== "open") look();
    else if (data.type === "locked") cover("locked");
    else if (typeof data.left === "number" && inSeconds(data.left) > deadline) {
      deadline = inSeconds(data.left);
      warn(false);
    }
  });
  tell({ type: "here", left: page.sessionLeft === "" ? null : Number(page.sessionLeft) });

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-lock-now]")) return;
    event.preventDefault();
    form.closest("details[data-menu]")?.removeAttribute("open");
    cover("locked");
    isLocking = true;
    try {
      const answer = await fetch(form.action, {
        method: "POST", headers: { ...csrfHeaders(), Accept: "application/json" }, redirect: "manual",
      });
      if (answer.status !== 204) throw new Error(String(answer.status));
      isLocking = false;
      tell({ type: "locked" });
    } catch {
      form.submit(); // as without script: the next page says what became of it
    }
  });

  // While the page is covered its parts ask for nothing; after it, live.js lets them all ask again.
  document.addEventListener("htmx:beforeRequest", (event) => { if (mode !== "open") event.preventDefault(); });
  // Parts that fetch themselves may be the first to hear of the lock, or of the end.
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status !== 423) return;
    tell({ type: "locked" });
    cover("locked");
  });
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const target = event.detail.xhr.getResponseHeader("HX-Redirect") || "";
    if (/^\/(portal\/)?masuk\//.test(target)) {
      event.preventDefault();
      cover("ended");
    }
  });
  // A dialog that an answer on its way opened must not lie above the lock.
  document.addEventListener("htmx:load", () => {
    if (mode === "open" || !lock?.open) return;
    lock.close();
  });
}

export function initIdle() {
  const held = document.querySelector("form[data-send-on]");
  if (held) held.requestSubmit();
  warning = document.querySelector("[data-session-warning]");
  if (!page.sessionPerson || !warning) {
    tell({ type: "here" }); // a page of nobody, or the lock screen: others look how they stand
    if (document.querySelector("[data-lock-screen]")) {
      channel?.addEventListener("message", ({ data }) => { if (data.type === "active") location.reload(); });
    }
    return;
  }
  deadline = page.sessionLeft === "" ? Infinity : inSeconds(Number(page.sessionLeft));
  listen();
}
