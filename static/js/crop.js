// Looking at a picture before it is sent, and choosing the part that is kept: <form data-crop="id of the file field">. What
// the canvas shows is what goes. Drag, wheel, slider, arrow keys, plus and minus. Nothing leaves the page before "Use".
import { onElements } from "./dom.js";

const SHAPES = {
  photo: { ratio: 1, width: 1024 },
  ktp: { ratio: 85.6 / 53.98, width: 1600 }, // ISO/IEC 7810 ID-1
};
const SHOWN = 640; // pixels of the canvas on the page
const MOST_ZOOM = 6;
const STEP = 0.04; // of the frame, for one press of an arrow
const QUALITY = 0.92;
const KEYS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

onElements("[data-crop]", (form) => {
  const input = document.getElementById(form.dataset.crop);
  const stage = form.querySelector("[data-crop-stage]");
  const canvas = stage?.querySelector("canvas");
  const slider = form.querySelector("[data-crop-zoom]");
  const note = form.querySelector("[data-crop-note]");
  const shape = SHAPES[form.dataset.cropShape];
  if (!input || !canvas || !shape || typeof DataTransfer === "undefined") return;
  canvas.width = SHOWN;
  canvas.height = Math.round(SHOWN / shape.ratio);

  let source = null; // the upright picture as a canvas or image
  let name = "";
  let zoom = 1; // 1: the picture just covers the frame
  let centre = { x: 0, y: 0 }; // of the kept part, in pixels of the source
  let ready = false; // the field holds the kept part

  /** The kept part in pixels of the source. */
  const part = () => {
    const cover = Math.min(source.width / shape.ratio, source.height);
    const height = cover / zoom;
    const width = height * shape.ratio;
    centre.x = Math.min(Math.max(centre.x, width / 2), source.width - width / 2);
    centre.y = Math.min(Math.max(centre.y, height / 2), source.height - height / 2);
    return { x: centre.x - width / 2, y: centre.y - height / 2, width, height };
  };
  const paint = (onto) => {
    const { x, y, width, height } = part();
    const context = onto.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, onto.width, onto.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(source, x, y, width, height, 0, 0, onto.width, onto.height);
  };
  const show = () => {
    ready = false;
    slider.value = String(Math.round(((zoom - 1) / (MOST_ZOOM - 1)) * 100));
    paint(canvas);
  };
  const zoomTo = (value) => {
    zoom = Math.min(Math.max(value, 1), MOST_ZOOM);
    show();
  };
  const move = (dx, dy) => {
    const { width, height } = part();
    centre.x -= dx * width;
    centre.y -= dy * height;
    show();
  };
  const middle = () => {
    zoom = 1;
    centre = { x: source.width / 2, y: source.height / 2 };
  };
  const turned = () => {
    const next = document.createElement("canvas");
    next.width = source.height;
    next.height = source.width;
    const context = next.getContext("2d");
    context.translate(next.width, 0);
    context.rotate(Math.PI / 2);
    context.drawImage(source, 0, 0);
    source = next;
    middle();
    show();
  };

  const open = (file) => {
    const address = URL.createObjectURL(file);
    const image = new Image();
    image.onload = () => {
      URL.revokeObjectURL(address);
      const upright = document.createElement("canvas"); // drawn once: turned as the camera says, and never loaded again
      const scale = Math.min(1, 4096 / Math.max(image.naturalWidth, image.naturalHeight));
      upright.width = Math.max(1, Math.round(image.naturalWidth * scale));
      upright.height = Math.max(1, Math.round(image.naturalHeight * scale));
      upright.getContext("2d").drawImage(image, 0, 0, upright.width, upright.height);
      source = upright;
      name = file.name.replace(/\.[^.]*$/, "") || "foto";
      note.textContent = "";
      middle();
      stage.hidden = false;
      show();
      canvas.focus();
      stage.scrollIntoView({ block: "nearest" });
    };
    image.onerror = () => {
      URL.revokeObjectURL(address);
      source = null;
      stage.hidden = true;
      note.textContent = form.dataset.wordUnreadable;
    };
    image.src = address;
  };
  const put = (file) => {
    const holder = new DataTransfer();
    holder.items.add(file);
    input.files = holder.files;
  };

  input.addEventListener("change", () => {
    if (input.files[0]) open(input.files[0]);
  });
  input.addEventListener("picture:taken", (event) => {
    put(event.detail);
    input.dispatchEvent(new Event("input", { bubbles: true })); // the page has something to lose now
    open(event.detail);
  });

  canvas.addEventListener("keydown", (event) => {
    if (!source || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = KEYS[event.key];
    if (arrow) move(arrow[0] * STEP, arrow[1] * STEP);
    else if (event.key === "+" || event.key === "=") zoomTo(zoom * 1.1);
    else if (event.key === "-") zoomTo(zoom / 1.1);
    else return;
    event.preventDefault();
  });
  slider.addEventListener("input", () => source && zoomTo(1 + (Number(slider.value) / 100) * (MOST_ZOOM - 1)));
  form.querySelector("[data-crop-in]").addEventListener("click", () => source && zoomTo(zoom * 1.15));
  form.querySelector("[data-crop-out]").addEventListener("click", () => source && zoomTo(zoom / 1.15));
  form.querySelector("[data-crop-turn]").addEventListener("click", () => source && turned());
  canvas.addEventListener("wheel", (event) => {
    if (!source) return;
    event.preventDefault();
    zoomTo(zoom * (event.deltaY < 0 ? 1.08 : 1 / 1.08));
  }, { passive: false });

  // One pointer drags, two pinch.
  const fingers = new Map();
  const apart = () => {
    const [first, second] = [...fingers.values()];
    return Math.hypot(first.x - second.x, first.y - second.y);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (!source) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before || !source) return;
    const box = canvas.getBoundingClientRect();
    const distance = fingers.size === 2 ? apart() : 0;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 2 && distance) zoomTo((zoom * apart()) / distance);
    else if (fingers.size === 1) move((event.clientX - before.x) / box.width, (event.clientY - before.y) / box.height);
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => fingers.delete(event.pointerId));

  form.addEventListener("submit", (event) => {
    if (!source || ready) return;
    event.preventDefault(); // the kept part takes the place of the whole picture, then the form goes
    const submitter = event.submitter;
    const onto = document.createElement("canvas");
    onto.width = Math.round(Math.min(shape.width, Math.max(part().width, 64)));
    onto.height = Math.round(onto.width / shape.ratio);
    paint(onto);
    onto.toBlob((blob) => {
      if (blob) put(new File([blob], `${name}.jpg`, { type: "image/jpeg" }));
      ready = true;
      form.requestSubmit(submitter || undefined);
    }, "image/jpeg", QUALITY);
  });
});
