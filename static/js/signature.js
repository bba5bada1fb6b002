// Signing with finger, pen or mouse: <div data-signature="id of the hidden field">. The strokes are drawn as SVG and kept in
// the field as lists of points on a sheet of 1000 x 400. Without pointer events, or by keyboard, paper is the way.
import { onElements } from "./dom.js";

const WIDTH = 1000;
const HEIGHT = 400;
const CLOSEST = 3; // points nearer than this to the last one say nothing new
const MOST_POINTS = 5500;
const SVG = "http://www.w3.org/2000/svg";

function read(text) {
  try {
    const strokes = JSON.parse(text || "[]");
    return Array.isArray(strokes) ? strokes.filter((one) => Array.isArray(one) && one.length) : [];
  } catch {
    return [];
  }
}

const pathOf = (stroke) => {
  const [first, ...rest] = stroke;
  return `M${first[0]} ${first[1]} ${(rest.length ? rest : [first]).map((point) => `L${point[0]} ${point[1]}`).join(" ")}`;
};

onElements("[data-signature]", (pad) => {
  const field = document.getElementById(pad.dataset.signature);
  const sheet = pad.querySelector("svg");
  const state = pad.querySelector("[data-signature-state]");
  if (!field || !sheet) return;
  let strokes = read(field.value);
  let current = null;
  let path = null;
  let pointer = null;

  const draw = (stroke) => {
    const line = document.createElementNS(SVG, "path");
    line.setAttribute("d", pathOf(stroke));
    sheet.append(line);
    return line;
  };
  const show = () => {
    for (const line of [...sheet.querySelectorAll("path")]) line.remove();
    for (const stroke of strokes) draw(stroke);
  };
  const keep = () => {
    field.value = strokes.length ? JSON.stringify(strokes) : "";
    pad.classList.toggle("is-signed", strokes.length > 0);
    if (state) state.textContent = strokes.length ? pad.dataset.wordSigned : pad.dataset.wordEmpty;
    field.dispatchEvent(new Event("input", { bubbles: true })); // the page has something to lose now
  };
  const place = (event) => {
    const box = sheet.getBoundingClientRect();
    const x = Math.round(((event.clientX - box.left) / box.width) * WIDTH);
    const y = Math.round(((event.clientY - box.top) / box.height) * HEIGHT);
    return [Math.min(Math.max(x, 0), WIDTH), Math.min(Math.max(y, 0), HEIGHT)];
  };
  const add = (event) => {
    const point = place(event);
    const last = current[current.length - 1];
    if (last && Math.hypot(point[0] - last[0], point[1] - last[1]) < CLOSEST) return;
    if (strokes.reduce((sum, stroke) => sum + stroke.length, 0) + current.length >= MOST_POINTS) return;
    current.push(point);
    path.setAttribute("d", pathOf(current));
  };

  sheet.addEventListener("pointerdown", (event) => {
    if (pointer !== null || (event.pointerType === "mouse" && event.button !== 0)) return;
    event.preventDefault();
    pointer = event.pointerId;
    sheet.setPointerCapture(pointer); // a stroke that leaves the sheet is still one stroke
    current = [place(event)];
    path = draw(current);
  });
  sheet.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    for (const one of event.getCoalescedEvents?.() || [event]) add(one);
  });
  const finish = (event) => {
    if (event.pointerId !== pointer) return;
    strokes.push(current);
    pointer = current = path = null;
    keep();
  };
  sheet.addEventListener("pointerup", finish);
  sheet.addEventListener("pointercancel", finish);
  pad.querySelector("[data-signature-clear]")?.addEventListener("click", () => {
    strokes = [];
    show();
    keep();
  });
  pad.querySelector("[data-signature-undo]")?.addEventListener("click", () => {
    strokes.pop();
    show();
    keep();
  });
  show();
  pad.classList.toggle("is-signed", strokes.length > 0);
  if (state) state.textContent = strokes.length ? pad.dataset.wordSigned : pad.dataset.wordEmpty;
});

// Parts that belong to one answer: <div data-when="field=value other">. Without script all of them are there.
function match(part) {
  const [name, values] = part.dataset.when.split("=");
  const chosen = part.closest("form")?.querySelector(`input[name="${name}"]:checked`);
  part.hidden = !chosen || !values.split(" ").includes(chosen.value);
}

onElements("[data-when]", (part) => {
  match(part);
  part.closest("form")?.addEventListener("change", () => match(part));
});

// One more row of a list: <div data-rows="prefix" data-most="10"> with a <template> in it.
onElements("[data-rows]", (list) => {
  const total = document.getElementById(`id_${list.dataset.rows}-TOTAL_FORMS`);
  const template = list.querySelector("template");
  const button = list.querySelector("[data-rows-add]");
  if (!total || !template || !button) return;
  const check = () => { button.hidden = Number(total.value) >= Number(list.dataset.most); };
  button.addEventListener("click", () => {
    const row = template.content.cloneNode(true);
    const number = total.value;
    for (const element of row.querySelectorAll("*")) {
      for (const attribute of ["id", "name", "for", "aria-describedby"]) {
        const value = element.getAttribute(attribute);
        if (value) element.setAttribute(attribute, value.replaceAll("__prefix__", number));
      }
    }
    total.value = String(Number(number) + 1);
    const first = row.querySelector("input");
    template.before(row);
    first?.focus();
    check();
  });
  list.addEventListener("click", (event) => {
    const remove = event.target.closest("[data-row-clear]");
    if (!remove) return;
    // The row stays and is empty: numbers of the others do not change, and empty rows are not recorded.
    const row = remove.closest("[data-row]");
    for (const field of row.querySelectorAll("input, select")) field.value = "";
    row.hidden = true;
    button.focus();
  });
  check();
});
