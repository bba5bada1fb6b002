// Prescription lines in the doctor's form: <div data-prescription data-check-url>. Adds and removes lines from the
// <template data-line-template>, fills what is usual for a chosen medicine, and asks the server for allergies and duplicates.
import { csrfHeaders, onElements } from "./dom.js";

const CHECK_AFTER = 300;

function bindLine(editor, line) {
  const find = (name) => line.querySelector(`[name$="-${name}"]`);
  const select = find("medicine");
  const filled = { quantity: find("quantity").value, signa: find("signa").value };

  select.addEventListener("combobox:change", () => {
    const choice = select.tomselect?.options[select.value];
    line.querySelector("[data-line-unit]").textContent = choice?.unit || "–";
    line.querySelector("[data-line-hint]").textContent = choice?.hint || "";
    for (const name of ["quantity", "signa"]) {
      const input = find(name);
      // What the doctor typed stays; only empty fields and earlier suggestions are filled.
      if (choice?.[name] !== undefined && (input.value === "" || input.value === filled[name])) {
        input.value = choice[name];
        filled[name] = choice[name];
        input.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }
    check(editor);
  });
  find("override").addEventListener("input", () => check(editor));
}

function addLine(editor) {
  const lines = editor.querySelector("[data-lines]");
  if (lines.querySelectorAll("[data-line]").length >= Number(editor.dataset.mostLines)) return;
  const used = [...lines.querySelectorAll("[data-line]")].map((line) => Number(line.dataset.line));
  const number = String(Math.max(-1, ...used) + 1);
  const copy = editor.querySelector("[data-line-template]").content.cloneNode(true);
  for (const element of copy.querySelectorAll("*")) {
    for (const attribute of [...element.attributes]) {
      if (attribute.value.includes("__n__")) attribute.value = attribute.value.replaceAll("__n__", number);
    }
  }
  const line = copy.querySelector("[data-line]");
  lines.append(copy);
  bindLine(editor, line);
  // Modules bind to what htmx brings; a line from the template is announced in the same way.
  document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: line } }));
  showLimit(editor);
  return line;
}

function removeLine(editor, line) {
  const next = line.nextElementSibling || line.previousElementSibling;
  line.querySelector("select").tomselect?.destroy();
  line.remove();
  editor.dispatchEvent(new Event("input", { bubbles: true }));
  (next?.querySelector("[data-line-remove]") || editor.querySelector("[data-line-add]")).focus();
  showLimit(editor);
  check(editor);
}

function showLimit(editor) {
  const count = editor.querySelectorAll("[data-lines] [data-line]").length;
  editor.querySelector("[data-line-add]").disabled = count >= Number(editor.dataset.mostLines);
}

const timers = new WeakMap();
const requests = new WeakMap();
const shown = new WeakMap();

function check(editor) {
  clearTimeout(timers.get(editor));
  timers.set(editor, setTimeout(() => ask(editor), CHECK_AFTER));
}

async function ask(editor) {
  requests.get(editor)?.abort();
  const request = new AbortController();
  requests.set(editor, request);
  const data = new FormData();
  for (const field of editor.querySelectorAll("[data-line-visit], [data-lines] [name^='line-']")) {
    data.append(field.name, field.value);
  }
  try {
    const answer = await fetch(editor.dataset.checkUrl, {
      method: "POST", body: data, headers: { ...csrfHeaders(), "HX-Request": "true" }, signal: request.signal,
    });
    if (!answer.ok) throw new Error(String(answer.status));
    show(editor, await answer.text());
  } catch (error) {
    if (error.name !== "AbortError") document.body.dispatchEvent(new CustomEvent("product:offline"));
  }
}

function show(editor, html) {
  const place = editor.querySelector("[data-line-warnings]");
  if (shown.get(place) !== html) {
    place.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
    shown.set(place, html); // The same warnings again are not announced again.
  }
  const stopped = new Set([...place.querySelectorAll("[data-needs-reason]")].map((found) => found.dataset.lineWarning));
  for (const line of editor.querySelectorAll("[data-lines] [data-line]")) {
    const isStopped = stopped.has(line.dataset.line);
    line.classList.toggle("rx-row-stopped", isStopped);
    if (isStopped) line.querySelector("[data-line-override]").open = true;
  }
}

onElements("[data-prescription]", (editor) => {
  for (const line of editor.querySelectorAll("[data-lines] [data-line]")) bindLine(editor, line);
  editor.addEventListener("click", (event) => {
    if (event.target.closest("[data-line-add]")) {
      const line = addLine(editor);
      // The search box replaces the select as soon as its library is there.
      setTimeout(() => { const select = line?.querySelector("select"); (select?.tomselect || select)?.focus(); }, 150);
    }
    const remover = event.target.closest("[data-line-remove]");
    if (remover) removeLine(editor, remover.closest("[data-line]"));
  });
  showLimit(editor);
  if (editor.querySelector("[data-lines] option[selected]")) check(editor);
});
