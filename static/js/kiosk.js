// The kiosk: keys for fingers, the scanner's text always lands in the box, the phone's code is drawn anew, a form goes once.
const KEYS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"; // the letters of booking codes
const FORGET_AFTER = 45_000;
const ASK_LONGEST = 8_000;

const code = document.querySelector("[data-code]");
const keys = document.querySelector("[data-keys]");
const phone = document.querySelector("[data-phone-code]");
const print = document.querySelector("[data-print-slip]");

function key(text, label, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  if (label) button.setAttribute("aria-label", label);
  button.addEventListener("click", press);
  return button;
}

if (keys && matchMedia("(pointer: coarse)").matches) {
  keys.hidden = false;
  code.inputMode = "none"; // our keys instead of the system's keyboard
  keys.append(
    ...[...KEYS].map((letter) => key(letter, "", () => { code.value += letter; })),
    key("⌫", keys.dataset.wordDelete, () => { code.value = code.value.slice(0, -1); }),
  );
}

if (code) {
  // A scanner types: what it types belongs into the box, wherever the last tap was.
  document.addEventListener("keydown", (event) => {
    if (event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey && document.activeElement !== code) code.focus();
  });
  // What somebody began and left does not stay for the next person.
  let touched = performance.now();
  const touch = () => { touched = performance.now(); };
  for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, touch);
  const hasProblem = document.querySelector(".kiosk-problem") !== null;
  setInterval(() => {
    if ((code.value || hasProblem) && performance.now() - touched > FORGET_AFTER) location.replace(document.body.dataset.startUrl);
  }, 1000);
}

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
}
addEventListener("pageshow", (event) => {
  if (event.persisted) location.replace(document.body.dataset.startUrl ?? location.href);
});

if (phone) {
  setInterval(async () => {
    try {
      const answer = await fetch(phone.dataset.phoneCode, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(ASK_LONGEST) });
      if (answer.status === 404) location.reload();
      if (!answer.ok) return;
      const drawn = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("svg");
      if (drawn) phone.replaceChildren(drawn);
    } catch {
      // The old code works a little longer; the next round asks again.
    }
  }, Number(phone.dataset.every) * 1000);
}

// A number that was given makes room for the next person; whoever still touches the screen reads on.
const backAfter = Number(document.body.dataset.backAfter) * 1000;
if (backAfter) {
  let back = 0;
  const wait = () => {
    clearTimeout(back);
    back = setTimeout(() => location.replace(document.body.dataset.startUrl), backAfter);
  };
  for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, wait);
  wait();
}

if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}
