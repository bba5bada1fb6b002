// What is chosen from the list of substances brings its kind and medicine group; the field for own words hides where the
// search box takes them. The server decides again.
import { onElements } from "./dom.js";

onElements("select[data-create]", (select) => {
  const words = select.form?.elements.namedItem(`${select.name}_words`);
  const hide = () => {
    const field = words?.closest(".field");
    if (field && select.tomselect && !words.value) field.hidden = true;
  };
  select.addEventListener("combobox:ready", hide);
  hide();
});

onElements("[data-allergy-form]", (form) => {
  const select = form.querySelector("select[data-create]");
  const more = form.querySelector("[data-more]");
  select?.addEventListener("combobox:change", () => {
    const chosen = select.tomselect?.options[select.value];
    const kind = form.querySelector("select[name=category]");
    const group = form.querySelector("select[name=group]");
    if (chosen?.category && kind) kind.value = chosen.category;
    if (chosen && group) group.value = chosen.group || "";
    // Of own words nothing is known: the kind is asked.
    if (more && select.value && !chosen?.category) more.open = true;
  });
});
