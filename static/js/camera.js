// A picture from the camera: <button data-camera="id of a file field">. Where the page may use the camera it is shown in a
// dialog; elsewhere the field opens the camera of the phone. The picture is given to the field as the event "picture:taken".
import { onElements } from "./dom.js";

const QUALITY = 0.92;
const dialog = document.getElementById("camera-dialog");
const video = dialog?.querySelector("video");
const error = dialog?.querySelector("[data-camera-error]");
const take = dialog?.querySelector("[data-camera-take]");
const turn = dialog?.querySelector("[data-camera-turn]");
const choose = dialog?.querySelector("[data-camera-file]");
let stream = null;
let field = null;
let facing = "environment";

const hasLive = () => Boolean(dialog?.showModal && navigator.mediaDevices?.getUserMedia);

function stop() {
  for (const track of stream?.getTracks() || []) track.stop();
  stream = null;
  video.srcObject = null;
}

/** Let the phone take the picture: the field opens its camera once, and files again afterwards. */
function askPhone(input) {
  input.setAttribute("capture", facing);
  input.click();
  input.removeAttribute("capture");
}

function fail(word) {
  error.textContent = dialog.dataset[word];
  error.hidden = choose.hidden = false;
  take.hidden = true;
}

async function start() {
  stop();
  error.hidden = choose.hidden = true;
  take.hidden = false;
  take.disabled = true;
  try {
    const size = { width: { ideal: 1920 }, height: { ideal: 1440 } };
    const found = await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing, ...size }, audio: false });
    if (!dialog.open) {
      for (const track of found.getTracks()) track.stop();
      return;
    }
    stream = found;
    video.srcObject = stream;
    video.classList.toggle("is-mirror", stream.getVideoTracks()[0]?.getSettings?.().facingMode === "user" || facing === "user");
    await video.play();
    take.disabled = false;
    take.focus();
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "videoinput");
    turn.hidden = cameras.length < 2;
  } catch (problem) {
    if (dialog.open) fail(problem?.name === "NotAllowedError" ? "wordDenied" : "wordMissing");
  }
}

function shoot() {
  if (!video.videoWidth) return;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => {
    const stamp = new Date().toISOString().slice(11, 19).replaceAll(":", "");
    const file = blob && new File([blob], `foto-${stamp}.jpg`, { type: "image/jpeg" });
    const target = field;
    dialog.close();
    if (file) target?.dispatchEvent(new CustomEvent("picture:taken", { detail: file, bubbles: true }));
  }, "image/jpeg", QUALITY);
}

if (dialog) {
  dialog.addEventListener("close", stop);
  take.addEventListener("click", shoot);
  turn.addEventListener("click", () => {
    facing = facing === "user" ? "environment" : "user";
    start();
  });
  choose.addEventListener("click", () => {
    const target = field;
    dialog.close();
    target?.click();
  });
  addEventListener("pagehide", stop);
}

onElements("[data-camera]", (button) => {
  const input = document.getElementById(button.dataset.camera);
  if (!input) return;
  const isPhone = matchMedia("(pointer: coarse)").matches;
  button.hidden = !(hasLive() || isPhone);
  button.addEventListener("click", () => {
    field = input;
    facing = button.dataset.cameraFacing || "environment";
    if (!hasLive()) {
      askPhone(input);
      return;
    }
    dialog.showModal();
    start();
  });
});
