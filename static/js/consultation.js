// The doctor's consultation page: saves the draft by itself every few seconds, keeps the version, holds back a page that
// is left with unsaved text, copies from earlier notes with a mark, and builds the list of diagnoses.
const EVERY = 3_000;

const form = document.querySelector("form[data-consultation]");
if (form) start(form);

function start(form) {
  diagnoses(form); // takes the fields for pages without script away, so before the content is first compared
  copying(form);
  const saver = keepSaved(form);
  // Leaving to another page of ours (measure again) must not ask about text that a save would keep.
  form.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-leave-after-save]"); // also in panels that arrive later
    if (!link) return;
    event.preventDefault();
    if (await saver.save()) location.assign(link.href);
  });
}

/** What the server would get, without what changes by itself. */
function content(form) {
  const data = new FormData(form);
  for (const name of ["csrfmiddlewaretoken", "version"]) data.delete(name);
  return new URLSearchParams(data).toString();
}

function keepSaved(form) {
  const status = form.querySelector("[data-save-status]");
  const version = form.elements.namedItem("version");
  const words = form.dataset;
  let saved = content(form);
  let running = null;
  let isLost = false; // another window was first: saving again would only repeat the refusal
  let isGoing = false;

  const say = (text, tone = "") => {
    if (status.textContent !== text) status.textContent = text;
    status.dataset.tone = tone;
  };
  const isClean = () => content(form) === saved;

  async function send() {
    const sent = content(form);
    say(words.wordSaving);
    let answer;
    try {
      answer = await fetch(words.saveUrl, {
        method: "POST",
        headers: { Accept: "application/json", "X-Requested-With": "fetch" },
        body: new URLSearchParams(new FormData(form)),
        redirect: "manual",
      });
    } catch {
      say(words.wordOffline, "danger");
      return false;
    }
    if (answer.type === "opaqueredirect") {
      say(words.wordSession, "danger");
      return false;
    }
    let told = {};
    try {
      told = await answer.json();
    } catch {
      // An error page of the server: the general words below.
    }
    if (answer.ok) {
      version.value = told.version;
      saved = sent;
      say(told.message, "success");
      return true;
    }
    if (answer.status === 409) {
      isLost = true;
      say(words.wordConflict, "danger");
    } else {
      say(told.error || document.body.dataset.errorServer, "danger");
    }
    return false;
  }

  async function save() {
    if (running) await running;
    if (isLost) return false;
    if (isClean()) return true;
    running = send();
    const done = await running;
    running = null;
    return done;
  }

  // Rows of diagnoses and medicines come and go without an input event, so the whole content is compared.
  let before = saved;
  let waited = 0;
  setInterval(() => {
    const now = content(form);
    if (!isGoing && !running && !isLost && now !== saved) {
      // Half a word is not saved while it is typed: wait until the page stood still for one round, but not for ever.
      if (now === before || waited > 4) {
        waited = 0;
        save();
      } else {
        waited += 1;
        if (status.dataset.tone !== "danger") say(words.wordUnsaved);
      }
    }
    before = now;
  }, EVERY / 2);

  document.addEventListener("visibilitychange", () => {
    if (document.hidden && !isGoing) save();
  });
  addEventListener("beforeunload", (event) => {
    if (!isGoing && !isClean()) event.preventDefault();
  });

  // One writer at a time: a form that goes out while a save is under way would meet its own new version.
  form.addEventListener("submit", (event) => {
    if (event.submitter?.matches("[data-save]")) {
      event.preventDefault();
      save();
      return;
    }
    if (running) {
      event.preventDefault();
      const { submitter } = event;
      running.then(() => form.requestSubmit(submitter));
      return;
    }
    isGoing = true;
  });
  addEventListener("pageshow", () => { isGoing = false; });
  return { save };
}

function diagnoses(form) {
  const area = form.querySelector("[data-diagnoses]");
  const list = area.querySelector("[data-diagnosis-list]");
  const search = area.querySelector("[data-diagnosis-search]");
  const template = area.querySelector("[data-diagnosis-template]");
  area.querySelector("[data-diagnosis-fallback]").remove();
  search.hidden = false;

  const rows = () => [...list.querySelectorAll("[data-diagnosis]")];
  const refresh = () => {
    rows().forEach((row, index) => {
      row.querySelector("[data-diagnosis-primary]").hidden = index === 0;
      row.querySelector("[data-diagnosis-remove]").hidden = false;
    });
  };

  function add(code, display) {
    if (rows().some((row) => row.querySelector("input").value === code)) return;
    const row = template.content.firstElementChild.cloneNode(true);
    row.querySelector("input").value = code;
    row.querySelector("[data-diagnosis-code]").textContent = code;
    row.querySelector("[data-diagnosis-display]").textContent = display;
    list.append(row);
    refresh();
  }

  search.addEventListener("combobox:change", (event) => {
    const box = event.target.tomselect;
    const code = box?.getValue();
    if (!code) return;
    const option = box.options[code];
    add(code, option.display || option.text);
    box.clear(true);
    box.clearOptions();
  });
  list.addEventListener("click", (event) => {
    const row = event.target.closest("[data-diagnosis]");
    if (!row) return;
    if (event.target.closest("[data-diagnosis-remove]")) {
      const next = row.nextElementSibling || row.previousElementSibling;
      row.remove();
      refresh();
      (next?.querySelector("[data-diagnosis-remove]") || search.querySelector("input"))?.focus();
    } else if (event.target.closest("[data-diagnosis-primary]")) {
      list.prepend(row);
      refresh();
      row.querySelector("[data-diagnosis-remove]").focus();
    }
  });
  refresh();
}

function copying(form) {
  const copied = form.elements.namedItem("copied");
  const sections = [...form.querySelectorAll("[data-soap]")];
  const marked = () => sections.filter((section) => section.classList.contains("is-copied"));
  const mark = (section, is) => {
    section.classList.toggle("is-copied", is);
    section.querySelector("[data-copied-mark]").hidden = !is;
    copied.value = marked().map((one) => one.dataset.soap).join(" ");
  };
  for (const section of sections) {
    section.querySelector("textarea").addEventListener("input", () => mark(section, false));
  }
  form.addEventListener("click", (event) => {
    const link = event.target.closest("[data-copy-note]");
    if (!link) return;
    event.preventDefault();
    const entry = link.closest("[data-history-entry]");
    let first = null;
    for (const section of sections) {
      const source = entry.querySelector(`[data-copy-section="${section.dataset.soap}"]`);
      if (!source) continue;
      const box = section.querySelector("textarea");
      // What is written already stays in front of what is copied.
      box.value = box.value.trim() ? `${box.value.trimEnd()}\n${source.textContent}` : source.textContent;
      mark(section, true);
      first ??= box;
    }
    first?.focus();
  });
}
