// The sidebar of staff screens: always there on the desktop, a drawer below 62 rem.
const drawer = matchMedia("(max-width: 61.99rem)");
const SWIPE = 48; // px to the left before a swipe closes

export function initSidebar() {
  const sidebar = document.getElementById("sidebar");
  if (!sidebar) return;
  const toggles = document.querySelectorAll("[data-sidebar-toggle]");
  let opener = null;

  const isOpen = () => sidebar.classList.contains("is-open");
  const focusable = () => [...sidebar.querySelectorAll("a[href], button:not([disabled])")].filter((e) => e.offsetParent !== null);

  function set(open, { restore = true } = {}) {
    if (open === isOpen()) return;
    sidebar.classList.toggle("is-open", open);
    document.body.classList.toggle("sidebar-open", open);
    for (const toggle of toggles) toggle.setAttribute("aria-expanded", String(open));
    if (open) {
      opener = document.activeElement;
      sidebar.setAttribute("role", "dialog");
      sidebar.setAttribute("aria-modal", "true");
      (sidebar.querySelector("[aria-current]") || focusable()[0])?.focus();
    } else {
      sidebar.removeAttribute("role");
      sidebar.removeAttribute("aria-modal");
      if (restore) opener?.focus();
    }
  }

  for (const toggle of toggles) {
    toggle.addEventListener("click", (event) => {
      event.preventDefault();
      set(!isOpen());
    });
    toggle.addEventListener("keydown", (event) => {
      if (event.key === " ") {
        event.preventDefault();
        toggle.click();
      }
    });
  }
  sidebar.addEventListener("click", (event) => {
    if (event.target.closest("[data-sidebar-close]")) {
      event.preventDefault();
      set(false);
    } else if (drawer.matches && event.target.closest("a")) {
      set(false, { restore: false });
    }
  });
  document.querySelector("[data-sidebar-scrim]")?.addEventListener("click", () => set(false));

  document.addEventListener("keydown", (event) => {
    if (!isOpen()) return;
    if (event.key === "Escape") {
      set(false);
    } else if (event.key === "Tab") {
      const stops = focusable();
      const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
      if (document.activeElement === edge || !sidebar.contains(document.activeElement)) {
        event.preventDefault();
        (event.shiftKey ? stops[stops.length - 1] : stops[0])?.focus();
      }
    }
  });

  let start = null;
  const reach = document.querySelectorAll("#sidebar, [data-sidebar-scrim]");
  for (const area of reach) {
    area.addEventListener("touchstart", (e) => { start = { x: e.touches[0].clientX, y: e.touches[0].clientY }; }, { passive: true });
    area.addEventListener("touchend", (e) => {
      if (!start || !isOpen()) return;
      const dx = e.changedTouches[0].clientX - start.x;
      const dy = e.changedTouches[0].clientY - start.y;
      start = null;
      if (dx < -SWIPE && Math.abs(dx) > Math.abs(dy)) set(false);
    }, { passive: true });
  }
  drawer.addEventListener("change", () => set(false, { restore: false }));
  addEventListener("pageshow", () => set(false, { restore: false }));
}
