// Registration: what is typed is kept on the server every few seconds, and a registration that is sent without a connection
// waits and goes out by itself. Nothing is kept in the browser: patient data does not belong on a shared computer.
const EVERY = 5_000;
const PATIENCE = 15_000;
const PAUSES = [2_000, 5_000, 10_000, 20_000, 30_000];

for (const form of document.querySelectorAll("form[data-registration]")) start(form);

/** What the server would keep: without what is of the page. */
function content(form) {
  const data = new FormData(form);
  for (const name of ["csrfmiddlewaretoken", "registration_key", "mother_query"]) data.delete(name);
  return new URLSearchParams(data).toString();
}

function post(url, form) {
  return fetch(url, {
    method: "POST",
    headers: { Accept: "application/json", "X-Requested-With": "fetch" },
    body: new URLSearchParams(new FormData(form)),
    redirect: "manual",
    signal: AbortSignal.timeout(PATIENCE),
  });
}

function start(form) {
  const status = form.querySelector("[data-draft-status]");
  const button = form.querySelector("[data-register-button]");
  const label = button.querySelector("span");
  const usual = label.textContent;
  const words = form.dataset;
  let kept = content(form);
  let isSaving = false;
  let isSending = false;
  let isGoing = false;
  let tries = 0;
  let timer = null;

  const say = (text, tone = "") => {
    if (status.textContent !== text) status.textContent = text;
    status.dataset.tone = tone;
  };
  const pause = () => PAUSES[Math.min(tries++, PAUSES.length - 1)];
  const later = (act) => {
    clearTimeout(timer);
    timer = setTimeout(act, pause());
  };

  async function save() {
    if (isSaving || isSending || isGoing) return;
    const sent = content(form);
    if (sent === kept) return;
    isSaving = true;
    say(words.wordSaving);
    try {
      const answer = await post(words.draftUrl, form);
      if (answer.ok) {
        kept = sent;
        tries = 0;
        say((await answer.json()).message, "success");
      } else if (answer.type === "opaqueredirect" || answer.status === 403) {
        say(words.wordSession, "danger");
      } else {
        say(words.wordFailed, "danger");
        later(save);
      }
    } catch {
      say(words.wordOffline, "danger");
      later(save);
    } finally {
      isSaving = false;
    }
  }

  function release(text) {
    isSending = false;
    button.disabled = false;
    button.removeAttribute("aria-busy");
    label.textContent = usual;
    say(text, "danger");
  }

  async function send() {
    clearTimeout(timer);
    isSending = true;
    button.setAttribute("aria-busy", "true");
    button.disabled = true;
    try {
      const answer = await post(form.action, form);
      if (answer.ok) {
        const { url } = await answer.json();
        isGoing = true;
        location.assign(url);
      } else if (answer.type === "opaqueredirect") {
        release(words.wordSession);
      } else if (answer.status >= 502) {
        say(words.wordFailed, "danger");
        later(send);
      } else {
        // Something is wrong in the form: the page that says what, with everything typed, is the ordinary answer.
        isGoing = true;
        button.disabled = false;
        HTMLFormElement.prototype.submit.call(form);
      }
    } catch {
      label.textContent = words.wordWaitingButton;
      say(words.wordWaiting, "danger");
      later(send);
    }
  }

  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.submitter?.hasAttribute("formaction")) {
      isGoing = !event.defaultPrevented;
      return;
    }
    event.preventDefault();
    if (isSending) return;
    tries = 0;
    send();
  });

  let before = kept;
  setInterval(() => {
    const now = content(form);
    // Half a word is not kept while it is typed: wait until the page stood still for one round.
    if (now !== kept && now === before && navigator.onLine) save();
    else if (now !== kept && !isSending && status.dataset.tone !== "danger") say(words.wordUnsaved);
    before = now;
  }, EVERY / 2);

  addEventListener("online", () => {
    tries = 0;
    if (isSending) send();
    else save();
  });
  addEventListener("offline", () => { if (!isSending) say(words.wordOffline, "danger"); });
  document.addEventListener("visibilitychange", () => { if (document.hidden) save(); });
  addEventListener("beforeunload", (event) => { if (!isGoing && content(form) !== kept) event.preventDefault(); });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    isGoing = false;
    isSending = false;
    button.disabled = false;
    label.textContent = usual;
  });
}
