// Search-as-you-type selects: <select data-combobox data-url="/search/"> asks `url?q=..` for {results: [{id, text, hint}]}.
// Without data-url the options of the select are searched; data-create also takes words of no option. Tom Select is loaded
// by the first page that needs it.
import { csrfHeaders, onElements } from "./dom.js";

const MIN_LETTERS = 2;
let library = null;

function load() {
  library ??= new Promise((resolve, reject) => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = document.body.dataset.comboboxCss;
    // Before our own sheets, so that the tokens win.
    document.head.insertBefore(style, document.head.querySelector("link[rel=stylesheet]"));
    const script = document.createElement("script");
    script.src = document.body.dataset.comboboxJs;
    script.onload = () => resolve(window.TomSelect);
    script.onerror = reject;
    document.head.append(script);
  });
  return library;
}

/** What is asked by POST (data-method="post") stands in no address and no log: words about a patient. */
function asking(select, query, signal) {
  const headers = { Accept: "application/json" };
  if (select.dataset.method !== "post") return { headers, signal };
  return { method: "POST", headers: { ...headers, ...csrfHeaders() }, body: new URLSearchParams({ q: query.trim() }), signal };
}

function row(item, escape) {
  const hint = item.hint ? `<span class="hint">${escape(item.hint)}</span>` : "";
  return `<div class="option">${escape(item.text)}${hint}</div>`;
}

function note(words) {
  const element = document.createElement("div");
  element.className = "ts-note";
  element.textContent = words;
  return element;
}

export function initCombobox() {
  onElements("select[data-combobox]", async (select) => {
    let TomSelect;
    try {
      TomSelect = await load();
    } catch {
      return; // The plain select still works.
    }
    if (!select.isConnected || select.tomselect) return;
    const url = select.dataset.url;
    const words = document.body.dataset;
    let pending = null;
    let answered = ""; // the words that the shown results belong to
    const box = new TomSelect(select, {
      valueField: "id",
      labelField: "text",
      searchField: url ? [] : ["text", "hint"],
      maxOptions: 50,
      maxItems: select.multiple ? Number(select.dataset.maxItems) || null : 1,
      closeAfterSelect: true,
      allowEmptyOption: false,
      create: "create" in select.dataset,
      createOnBlur: "create" in select.dataset,
      persist: false,
      loadThrottle: 200,
      // Whoever types fast and presses Enter must get what was typed, never an option of the letters before.
      refreshThrottle: 0,
      placeholder: select.dataset.placeholder || words.comboboxPlaceholder || "",
      ...(url && {
        shouldLoad: (query) => query.trim().length >= MIN_LETTERS,
        load: async (query, done) => {
          pending?.abort();
          pending = new AbortController();
          const address = new URL(url, location.href);
          if (select.dataset.method !== "post") address.searchParams.set("q", query.trim());
          try {
            const answer = await fetch(address, asking(select, query, pending.signal));
            if (!answer.ok) throw new Error(String(answer.status));
            const { results } = await answer.json();
            box.clearOptions((option) => box.items.includes(String(option.id)));
            answered = query.trim();
            done(results);
          } catch (error) {
            done([]);
            if (error.name !== "AbortError") document.body.dispatchEvent(new CustomEvent("product:offline"));
          }
        },
      }),
      render: {
        option: row,
        item: (item, escape) => `<div>${escape(item.text)}</div>`,
        option_create: (data, escape) => `<div class="option create">“${escape(data.input)}”<span class="hint">${escape(words.comboboxCreate || "")}</span></div>`,
        no_results: () => note(words.comboboxNone || ""),
        not_loading: (data) => (url && data.input.trim().length < MIN_LETTERS ? note(words.comboboxMore || "") : null),
        loading: () => note(words.comboboxLoading || ""),
      },
      onItemAdd: () => {
        box.setTextboxValue("");
        if (url) box.refreshOptions(false);
      },
      onChange: () => select.dispatchEvent(new Event("combobox:change", { bubbles: true })),
    });
    if (url) {
      box.control_input.addEventListener("keydown", (event) => {
        const typed = box.control_input.value.trim();
        if (event.key !== "Enter" || !typed || typed === answered) return;
        event.preventDefault(); // the results of what was typed are still on their way
        event.stopImmediatePropagation();
      }, true);
    }
    // The label now names the search box; the select behind it only carries the value.
    select.setAttribute("aria-hidden", "true");
    if (select.getAttribute("aria-invalid") === "true") box.wrapper.dataset.invalid = "";
    const described = select.getAttribute("aria-describedby");
    if (described) box.control_input.setAttribute("aria-describedby", described);
    select.dispatchEvent(new Event("combobox:ready", { bubbles: true }));
  });
}
