// Search-as-you-type selects: <select data-combobox data-url="/search/"> asks `url?q=..` for {results: [{id, text, hint}]}.
// Without data-url the options of the select are searched. Tom Select is loaded by the first page that needs it.
import { onElements } from "./dom.js";

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
    const box = new TomSelect(select, {
      valueField: "id",
      labelField: "text",
      searchField: url ? [] : ["text", "hint"],
      maxOptions: 50,
      maxItems: select.multiple ? Number(select.dataset.maxItems) || null : 1,
      closeAfterSelect: true,
      allowEmptyOption: false,
      loadThrottle: 200,
      placeholder: select.dataset.placeholder || words.comboboxPlaceholder || "",
      shouldLoad: url ? (query) => query.trim().length >= MIN_LETTERS : undefined,
      load: url
        ? async (query, done) => {
            pending?.abort();
            pending = new AbortController();
            const address = new URL(url, location.href);
            address.searchParams.set("q", query.trim());
            try {
              const answer = await fetch(address, { headers: { Accept: "application/json" }, signal: pending.signal });
              if (!answer.ok) throw new Error(String(answer.status));
              box.clearOptions((option) => box.items.includes(String(option.id)));
              done((await answer.json()).results);
            } catch (error) {
              done([]);
              if (error.name !== "AbortError") document.body.dispatchEvent(new CustomEvent("product:offline"));
            }
          }
        : undefined,
      render: {
        option: row,
        item: (item, escape) => `<div>${escape(item.text)}</div>`,
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
    // The label now names the search box; the select behind it only carries the value.
    select.setAttribute("aria-hidden", "true");
    if (select.getAttribute("aria-invalid") === "true") box.wrapper.dataset.invalid = "";
    const described = select.getAttribute("aria-describedby");
    if (described) box.control_input.setAttribute("aria-describedby", described);
  });
}
