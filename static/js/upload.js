// Several documents at once: <form data-upload="id of the file field">. Chosen, dropped or photographed files are listed with
// a picture, checked for size and kind, and sent one after another, so that one bad file does not lose the others. The answer
// says what became of each. Without script the form sends all of them together.
import { onElements } from "./dom.js";

const KINDS = new Set(["image/jpeg", "image/png", "image/gif", "application/pdf"]);
const ENDINGS = /\.(jpe?g|jfif|png|gif|pdf)$/i;

const size = (bytes, language) =>
  bytes < 100_000
    ? `${Math.max(1, Math.round(bytes / 1024))} kB`
    : `${(bytes / 1_048_576).toLocaleString(language, { maximumFractionDigits: 1 })} MB`;

onElements("[data-upload]", (form) => {
  const input = document.getElementById(form.dataset.upload);
  const list = form.querySelector("[data-upload-list]");
  const state = form.querySelector("[data-upload-state]");
  const zone = form.querySelector("[data-drop-zone]");
  const pick = form.querySelector("[data-pick]");
  const button = form.querySelector("button[type=submit]");
  const back = form.querySelector("[data-upload-back]");
  if (!input || !list || typeof FormData === "undefined") return;
  const words = form.dataset;
  const most = Number(input.dataset.maxBytes);
  const language = document.documentElement.lang;
  let entries = [];
  let isSending = false;

  pick.hidden = false;
  form.querySelector("[data-drop-hint]").hidden = matchMedia("(pointer: coarse)").matches;
  input.classList.add("visually-hidden");
  input.tabIndex = -1; // the button does the same and says it better
  pick.addEventListener("click", () => input.click());

  const problemOf = (file) => {
    if (!file.size) return words.wordEmpty;
    if (file.size > most) return words.wordBig;
    return KINDS.has(file.type) || ENDINGS.test(file.name) ? "" : words.wordKind;
  };
  const say = (entry, text, tone) => {
    entry.text.textContent = text;
    entry.row.dataset.tone = tone;
  };
  const drop = (entry) => {
    if (entry.address) URL.revokeObjectURL(entry.address);
    entry.row.remove();
    entries = entries.filter((other) => other !== entry);
    list.hidden = !entries.length;
  };
  const add = (file) => {
    const entry = { file, problem: problemOf(file), isDone: false };
    entry.row = document.createElement("li");
    entry.row.className = "upload-row";
    const picture = document.createElement(file.type.startsWith("image/") ? "img" : "span");
    picture.className = "upload-picture";
    if (picture.tagName === "IMG") {
      entry.address = URL.createObjectURL(file);
      picture.alt = "";
      picture.src = entry.address;
      picture.addEventListener("error", () => picture.classList.add("is-broken"));
    } else {
      picture.textContent = "PDF";
      picture.setAttribute("aria-hidden", "true");
    }
    const what = document.createElement("div");
    what.className = "upload-what";
    const name = document.createElement("strong");
    name.textContent = file.name;
    const facts = document.createElement("span");
    facts.className = "sub";
    facts.textContent = size(file.size, language);
    entry.text = document.createElement("span");
    entry.text.className = "upload-text";
    entry.bar = document.createElement("progress");
    entry.bar.max = 100;
    entry.bar.hidden = true;
    entry.bar.setAttribute("aria-label", file.name);
    what.append(name, facts, entry.text, entry.bar);
    entry.out = document.createElement("button");
    entry.out.type = "button";
    entry.out.className = "btn btn-sm btn-ghost";
    entry.out.textContent = words.wordRemove;
    entry.out.setAttribute("aria-label", `${words.wordRemove}: ${file.name}`);
    entry.out.addEventListener("click", () => {
      drop(entry);
      pick.focus();
    });
    entry.row.append(picture, what, entry.out);
    say(entry, entry.problem || words.wordWaiting, entry.problem ? "bad" : "");
    entries.push(entry);
    list.append(entry.row);
    list.hidden = false;
    state.textContent = "";
  };
  const isSame = (one, other) => one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;
  const take = (files) => {
    for (const file of files) if (!entries.some((entry) => isSame(entry.file, file))) add(file);
  };

  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  input.addEventListener("picture:taken", (event) => take([event.detail]));
  for (const kind of ["dragover", "dragenter"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.add("is-over");
    });
  }
  zone.addEventListener("dragleave", (event) => {
    if (!zone.contains(event.relatedTarget)) zone.classList.remove("is-over");
  });
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("is-over");
    if (!isSending) take([...event.dataTransfer.files]);
  });
  form.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length && !isSending) take([...event.clipboardData.files]);
  });

  // Files that were chosen and not sent would be lost; refused ones are not.
  addEventListener("beforeunload", (event) => {
    if (isSending || entries.some((entry) => !entry.isDone && !entry.problem && !entry.isRefused)) event.preventDefault();
  });

  /** Send one file; resolves to the server's answer, or null when there was none that can be read. */
  const send = (entry) => new Promise((resolve) => {
    const data = new FormData(form);
    data.delete(input.name);
    data.append(input.name, entry.file, entry.file.name);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      entry.bar.value = (event.loaded / event.total) * 100;
      if (event.loaded === event.total) say(entry, words.wordChecking, "busy");
    });
    request.addEventListener("error", () => resolve({ lost: true }));
    request.addEventListener("load", () => {
      try {
        resolve(JSON.parse(request.responseText));
      } catch {
        resolve(null);
      }
    });
    request.send(data);
  });
  const markField = (name, sentence) => {
    const field = form.elements[name];
    const box = field?.closest?.(".field");
    if (!box) return false;
    box.classList.add("field-invalid");
    field.setAttribute("aria-invalid", "true");
    let note = box.querySelector("[data-upload-error]");
    if (!note) {
      note = document.createElement("p");
      note.className = "field-error";
      note.dataset.uploadError = "";
      note.setAttribute("role", "alert");
      box.append(note);
    }
    note.textContent = sentence;
    field.focus();
    return true;
  };
  const clearFields = () => {
    for (const note of form.querySelectorAll("[data-upload-error]")) {
      const box = note.closest(".field");
      box.classList.remove("field-invalid");
      box.querySelector("[aria-invalid]")?.removeAttribute("aria-invalid");
      note.remove();
    }
  };
  const release = () => {
    isSending = false;
    button.disabled = pick.disabled = false;
    button.removeAttribute("aria-busy");
    for (const entry of entries) entry.out.hidden = entry.isDone;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isSending) return;
    clearFields();
    const waiting = entries.filter((entry) => !entry.isDone && !entry.problem);
    if (!waiting.length) {
      state.textContent = words.wordNone;
      pick.focus();
      return;
    }
    isSending = true;
    button.disabled = pick.disabled = true;
    button.setAttribute("aria-busy", "true");
    for (const entry of entries) entry.out.hidden = true;
    for (const entry of waiting) {
      entry.bar.hidden = false;
      entry.bar.value = 0;
      say(entry, words.wordSending, "busy");
      const answer = await send(entry);
      entry.bar.hidden = true;
      if (!answer || answer.lost || answer.error) {
        say(entry, answer?.lost ? words.wordLost : answer?.error || words.wordFailed, "bad");
        continue;
      }
      const wrong = Object.entries(answer.errors || {});
      if (wrong.length) {
        say(entry, words.wordWaiting, "");
        for (const [field, sentences] of wrong.reverse()) if (!markField(field, sentences[0])) say(entry, sentences[0], "bad");
        break; // every other file would be refused for the same reason
      }
      const result = answer.files[0];
      entry.isDone = Boolean(result?.ok);
      entry.isRefused = !entry.isDone;
      say(entry, entry.isDone ? words.wordDone : result?.message || words.wordFailed, entry.isDone ? "good" : "bad");
    }
    release();
    if (entries.every((entry) => entry.isDone)) location.assign(words.uploadDone);
    else if (back && entries.some((entry) => entry.isDone)) back.textContent = words.wordBack; // nothing to cancel any more
  });
});
