// The waiting-room board: fetches its panel every five seconds and after each call, says calls one after another, shows when
// it is stale, moves a little so that nothing burns in. Times are measured, not read from the device: its clock may be wrong.
const ASK_EVERY = 5_000;
const ASK_LONGEST = 8_000;
const ENDED_EVERY = 30_000;
const STALE_AFTER = 15_000;
const SHIFT_EVERY = 60_000;
const SHIFTS = 8;
const SAY_AT_START = 20; // seconds: after a power cut a call this young is still said
const TOO_OLD = 90_000; // a call that had to wait this long for the voice is no longer said
const PAUSE = 700;
const GAP = 0.05; // seconds between two words
const NEW_FOR = 10_000;
const LONGEST_WAIT = 30_000;

const body = document.body;
const panel = document.querySelector("[data-panel]");
const clock = document.querySelector("[data-clock]");
const stale = document.querySelector("[data-stale]");
const ended = document.querySelector("[data-ended]");

// --- the panel ---------------------------------------------------------------------------------------------------

const heard = new Set();
let askedAgain = false;
let asking = false;
let okAt = performance.now();
let isEnded = false;
let serverNow = 0;
let serverZone = 0;
let serverAt = 0;
let build = "";

const shown = () => panel.querySelector("[data-build]");
const calls = () => [...panel.querySelectorAll("[data-call]")];

function readTime() {
  serverNow = Number(shown().dataset.now);
  serverZone = Number(shown().dataset.zone);
  serverAt = performance.now();
}

async function ask() {
  if (asking) {
    askedAgain = true;
    return;
  }
  asking = true;
  try {
    do {
      askedAgain = false;
      await askOnce();
    } while (askedAgain);
  } finally {
    asking = false;
  }
}

async function askOnce() {
  let answer;
  try {
    answer = await fetch(body.dataset.panelUrl, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(ASK_LONGEST) });
    if (answer.status === 404) {
      end();
      return;
    }
    if (!answer.ok) return;
    const html = await answer.text();
    const next = new DOMParser().parseFromString(html, "text/html").querySelector("[data-build]");
    if (!next) return;
    if (next.dataset.build !== build) {
      location.reload();
      return;
    }
    show(next);
  } catch {
    // No connection: the next round asks again, and the line about it appears in time.
  }
}

function show(next) {
  okAt = performance.now();
  isEnded = false;
  ended.hidden = true;
  stale.hidden = true;
  const fresh = [...next.querySelectorAll("[data-call]")].filter((call) => !heard.has(call.dataset.call));
  panel.replaceChildren(next);
  readTime();
  if (fresh.length) {
    panel.querySelector(".board-current").classList.add("is-new");
    setTimeout(() => panel.querySelector(".board-current")?.classList.remove("is-new"), NEW_FOR);
  }
  for (const call of fresh.reverse()) {
    heard.add(call.dataset.call);
    say(call.dataset.clips);
  }
}

/** The link was revoked, or the address is gone for a moment: nothing old stays on the screen, and it asks on, slowly. */
function end() {
  isEnded = true;
  ended.hidden = false;
  stale.hidden = true;
  panel.querySelectorAll("section, ul").forEach((part) => part.remove());
}

// --- the voice ---------------------------------------------------------------------------------------------------

const clips = JSON.parse(document.querySelector("#board-clips")?.textContent || "{}");
const sound = document.querySelector("[data-sound]");
const muted = document.querySelector("[data-muted]");
const loaded = new Map();
const waiting = [];
let audio = null;
let speaking = false;

const isOn = () => audio?.state === "running";

function showSound() {
  if (!sound) return;
  sound.hidden = isOn();
  muted.hidden = isOn();
}

function startSound() {
  if (!sound) return;
  try {
    audio = new AudioContext();
  } catch {
    muted.hidden = false;
    return;
  }
  audio.addEventListener("statechange", () => {
    showSound();
    speak();
  });
  sound.addEventListener("click", async () => {
    waiting.unshift({ names: ["chime"], at: performance.now() }); // to hear that it works
    await audio.resume();
    speak();
  });
  showSound();
  for (const name of Object.keys(clips)) load(name);
}

function load(name) {
  if (!loaded.has(name)) {
    const clip = fetch(clips[name], { credentials: "omit" })
      .then((answer) => (answer.ok ? answer.arrayBuffer() : Promise.reject(new Error(name))))
      .then((content) => audio.decodeAudioData(content))
      .catch(() => {
        loaded.delete(name); // asked for again at the next call
        return null;
      });
    loaded.set(name, clip);
  }
  return loaded.get(name);
}

function say(names) {
  if (!audio || !names) return;
  waiting.push({ names: ["chime", ...names.split(" ")], at: performance.now() });
  speak();
}

/** Say what waits, one call after another. One loop at a time: two calls are never heard at once. */
async function speak() {
  if (speaking || !isOn()) return;
  speaking = true;
  try {
    while (waiting.length && isOn()) {
      const { names, at } = waiting.shift();
      if (performance.now() - at > TOO_OLD) continue;
      await play(names);
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  } finally {
    speaking = false;
  }
}

async function play(names) {
  const words = (await Promise.all(names.filter((name) => clips[name]).map(load))).filter(Boolean);
  let at = audio.currentTime + 0.05;
  const began = at;
  for (const word of words) {
    const source = audio.createBufferSource();
    source.buffer = word;
    source.connect(audio.destination);
    source.start(at);
    at += word.duration + GAP;
  }
  body.dataset.said = names.join(" ");
  await new Promise((done) => setTimeout(done, (at - began) * 1000));
}

// --- the screen --------------------------------------------------------------------------------------------------

function tick() {
  const now = new Date(serverNow + (performance.now() - serverAt) + serverZone * 60_000);
  const two = (number) => String(number).padStart(2, "0");
  const time = `${two(now.getUTCHours())}.${two(now.getUTCMinutes())}`;
  if (clock.textContent !== time) clock.textContent = time;
  if (!isEnded && performance.now() - okAt > STALE_AFTER) stale.hidden = false;
}

async function stayAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // Not allowed here: the television's own setting decides.
  }
}

// --- live --------------------------------------------------------------------------------------------------------

let tries = 0;

function connect() {
  const url = new URL(body.dataset.socketUrl, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, ["board", body.dataset.token]); // not in the address: servers log those
  socket.addEventListener("open", () => {
    tries = 0;
    ask();
  });
  socket.addEventListener("message", () => ask());
  socket.addEventListener("close", () => {
    tries += 1;
    ask(); // a revoked link shows itself at once
    const ceiling = Math.min(LONGEST_WAIT, 1000 * 2 ** Math.min(tries, 5));
    setTimeout(connect, ceiling / 2 + Math.random() * (ceiling / 2));
  });
}

build = shown().dataset.build;
readTime();
startSound();
for (const call of calls().reverse()) {
  heard.add(call.dataset.call);
  if (Number(call.dataset.age) <= SAY_AT_START) say(call.dataset.clips);
}
let askedAt = performance.now();
setInterval(() => {
  tick();
  if (performance.now() - askedAt < (isEnded ? ENDED_EVERY : ASK_EVERY)) return;
  askedAt = performance.now();
  ask();
}, 1000);
setInterval(() => {
  body.dataset.shift = String((Number(body.dataset.shift) + 1) % SHIFTS);
}, SHIFT_EVERY);
addEventListener("online", ask);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    ask();
    stayAwake();
  }
});
stayAwake();
connect();
