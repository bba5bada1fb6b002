// The banner of an emergency access counts down. When it is over the page asks the server again, which refuses; text that
// somebody is writing stays on the screen.
import { onElements } from "./dom.js";

const isWriting = () =>
  [...document.querySelectorAll("main textarea, main input:not([type=hidden], [type=search])")].some(
    (field) => field.type !== "radio" && field.type !== "checkbox" && field.value !== field.defaultValue,
  );

export function initEmergency() {
  onElements("[data-emergency-seconds]", (banner) => {
    const minutes = banner.querySelector("[data-emergency-minutes]");
    const end = performance.now() + Number(banner.dataset.emergencySeconds) * 1000;
    const show = () => {
      if (!banner.isConnected) return clearInterval(timer);
      const left = Math.max(0, Math.ceil((end - performance.now()) / 60_000));
      if (minutes && minutes.textContent !== String(left)) minutes.textContent = String(left);
      banner.classList.toggle("banner-danger", left <= 5);
      banner.classList.toggle("banner-warning", left > 5);
      if (left > 0) return undefined;
      clearInterval(timer);
      if (!isWriting()) return location.reload();
      banner.querySelector("[data-emergency-running]").hidden = true;
      banner.querySelector("[data-emergency-over]").hidden = false;
      return undefined;
    };
    const timer = setInterval(show, 5000);
    show();
  });
}
