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

for (const form of document.querySelectorAll("[data-nik-form]")) watchNik(form);
for (const section of document.querySelectorAll("[data-allergy-question]")) watchAllergy(section);
