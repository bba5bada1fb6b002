// Registration: what a NIK says about birth date and sex is filled into empty fields and compared with filled ones; the
// questions behind "has an allergy" show when they are needed. The server checks again.
const FEMALE_OFFSET = 40;
const OLDEST = 110;

/** Return {date: "1990-05-17", sex: "female"} of a NIK, null while it is incomplete, false when it cannot be one. */
export function readNik(text, today = new Date()) {
  const digits = text.replace(/[\s.-]/g, "");
  if (digits && !/^\d{1,16}$/.test(digits)) return false;
  if (digits.length !== 16) return null;
  let day = Number(digits.slice(6, 8));
  const month = Number(digits.slice(8, 10));
  const short = Number(digits.slice(10, 12));
  const sex = day > FEMALE_OFFSET ? "female" : "male";
  if (sex === "female") day -= FEMALE_OFFSET;
  // The later century, unless that is in the future; a person of more than 110 years is not expected.
  for (const year of [2000 + short, 1900 + short]) {
    const date = new Date(Date.UTC(year, month - 1, day));
    const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
    if (exists && date <= today && today.getFullYear() - year <= OLDEST) return { date: date.toISOString().slice(0, 10), sex };
  }
  return false;
}

function watchNik(form) {
  const nik = form.querySelector("[data-nik]");
  const hint = form.querySelector("[data-nik-hint]");
  const born = form.querySelector("input[name=birth_date]");
  const sexes = [...form.querySelectorAll("input[name=sex]")];
  if (!nik || !hint || !born) return;
  const fills = Boolean(hint.dataset.textFill);
  const say = (words, tone = "info") => {
    hint.textContent = words;
    hint.hidden = !words;
    hint.dataset.tone = tone;
  };
  const look = () => {
    const parts = readNik(nik.value);
    if (!parts) {
      say(parts === false ? hint.dataset.textBad : "", "warning");
      return;
    }
    const chosen = sexes.find((input) => input.checked);
    if (fills && !born.value && !chosen) {
      born.value = parts.date;
      const match = sexes.find((input) => input.value === parts.sex);
      if (match) match.checked = true;
      say(hint.dataset.textFill);
      return;
    }
    const differs = (born.value && born.value.slice(2) !== parts.date.slice(2)) || (chosen && chosen.value !== parts.sex);
    if (differs) say(hint.dataset.textDiffers, "warning");
    else if (hint.dataset.tone === "warning") say("");
  };
  nik.addEventListener("input", look);
  born.addEventListener("change", look);
  for (const input of sexes) input.addEventListener("change", look);
  if (nik.value) look();
}

function watchAllergy(section) {
  const details = section.querySelector("[data-allergy-details]");
  const answers = [...section.querySelectorAll("input[name=allergy]")];
  const show = () => { details.hidden = !answers.some((input) => input.checked && input.value === "known"); };
  for (const input of answers) input.addEventListener("change", show);
  show();
}

/** Titles typed with the name go to their own fields, where they can be corrected. The server does the same. */
export function splitTitles(text, prefixes) {
  const bare = (word) => word.replaceAll(".", "").toLowerCase();
  const isTitle = (word) => prefixes.has(bare(word)) && (bare(word).length > 2 || word.includes("."));
  const isSuffix = (word) => /^[A-Za-z]{1,5}\.[A-Za-z]/.test(word) || /^[A-Z]{2,4}$/.test(word);
  let [name, ...parts] = text.trim().replace(/\s+/g, " ").split(/\s*,\s*/);
  if (/^(by\.?|bayi) /i.test(name) || /^((Tn|Ny|An)\. )?X \d{3}/.test(name)) return null;
  if (!parts.length || !parts.every((part) => part.split(" ").every(isSuffix))) {
    name = text.trim();
    parts = [];
  }
  const words = name.split(" ");
  const front = [];
  while (words.length > 1 && isTitle(words[0])) front.push(words.shift());
  if (!front.length && !parts.length) return null;
  return { prefix: front.join(" "), name: words.join(" "), suffix: parts.join(", ") };
}

function watchTitles(form) {
  const name = form.querySelector("[data-full-name]");
  const details = form.querySelector("[data-titles]");
  if (!name || !details) return;
  const [prefix, suffix] = ["title_prefix", "title_suffix"].map((key) => form.elements.namedItem(key));
  const prefixes = new Set(details.dataset.titles.split(" "));
  name.addEventListener("change", () => {
    if (prefix.value || suffix.value) return;
    const parts = splitTitles(name.value, prefixes);
    if (!parts) return;
    [prefix.value, name.value, suffix.value] = [parts.prefix, parts.name, parts.suffix];
    details.open = true;
  });
}

/** A date or an age: typing one empties the other. */
function watchAge(form) {
  const born = form.elements.namedItem("birth_date");
  const ages = ["age_years", "age_months"].map((key) => form.elements.namedItem(key)).filter(Boolean);
  if (!born || !ages.length) return;
  born.addEventListener("input", () => { if (born.value) for (const age of ages) age.value = ""; });
  for (const age of ages) age.addEventListener("input", () => { if (age.value) born.value = ""; });
}

/** Fields that another answer makes needless. */
function watchNeedless(form) {
  const field = (key) => form.elements.namedItem(key);
  const pairs = [
    [field("nik"), form.querySelector("[data-nik-missing]"), (input) => input.value.trim() !== ""],
    [field("domicile_same"), form.querySelector('[data-address="domicile"]'), (input) => input.checked],
  ];
  for (const [input, area, isNeedless] of pairs) {
    if (!input || !area) continue;
    const show = () => { area.hidden = isNeedless(input); };
    input.addEventListener("input", show);
    input.addEventListener("change", show);
    show();
  }
}

/** The postal code of the chosen village, unless somebody typed another one. */
function watchRegions(form) {
  for (const select of form.querySelectorAll("select[data-region]")) {
    const postal = form.elements.namedItem(`${select.dataset.region}_postal_code`);
    let filled = "";
    select.addEventListener("combobox:change", () => {
      const found = select.tomselect?.options[select.value];
      if (!postal || (postal.value && postal.value !== filled)) return;
      filled = found?.postal || "";
      postal.value = filled;
    });
  }
}

/** Enter goes to the next field, Ctrl+Enter sends: nobody registers half a person by a key too many. */
function watchKeys(form) {
  const help = form.ownerDocument.querySelector("[data-keys-help]");
  if (help) help.hidden = false;
  const reachable = () =>
    [...form.querySelectorAll("input:not([type=hidden]), select, textarea, button")].filter(
      (element) =>
        !element.disabled && element.tabIndex >= 0 && element.getClientRects().length && !element.closest("details:not([open])"),
    );
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.defaultPrevented || event.isComposing) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("[data-register-button], .form-actions [type=submit]"));
      return;
    }
    const here = event.target;
    if (!here.matches("input, select") || here.matches("[type=submit], [type=button]")) return;
    event.preventDefault();
    if (here.dataset.enter) {
      form.querySelector(here.dataset.enter)?.click();
      return;
    }
    const all = reachable();
    const isSame = (other) => other === here || (here.type === "radio" && other.type === "radio" && other.name === here.name);
    let next = all.slice(all.indexOf(here) + 1).find((other) => !isSame(other));
    if (next?.type === "radio") next = all.find((other) => other.name === next.name && other.checked) || next;
    next?.focus();
  });
}

for (const form of document.querySelectorAll("[data-nik-form]")) watchNik(form);
for (const section of document.querySelectorAll("[data-allergy-question]")) watchAllergy(section);
for (const form of document.querySelectorAll("[data-person-form]")) {
  watchTitles(form);
  watchAge(form);
  watchNeedless(form);
  watchRegions(form);
  if (!("plainKeys" in form.dataset)) watchKeys(form);
}
