// Asks before acts that matter: data-confirm on a form or on one of its buttons. Words come from data attributes:
// data-confirm (title), data-confirm-text, data-confirm-yes, data-confirm-no, data-confirm-tone="danger|primary".
let dialog = null;
let answer = null;

function ask(source) {
  dialog ??= document.getElementById("confirm-dialog");
  if (!dialog?.showModal || dialog.open) return Promise.resolve(!dialog?.showModal);
  const words = source.dataset;
  const yes = dialog.querySelector("[data-confirm-yes-button]");
  const no = dialog.querySelector("[data-confirm-no-button]");
  const body = dialog.querySelector("[data-confirm-body]");
  dialog.querySelector("[data-confirm-title]").textContent = words.confirm;
  body.textContent = words.confirmText || "";
  body.hidden = !words.confirmText;
  yes.textContent = words.confirmYes || yes.dataset.default;
  no.textContent = words.confirmNo || no.dataset.default;
  yes.className = `btn btn-${words.confirmTone === "danger" ? "danger" : "primary"}`;
  dialog.returnValue = "";
  dialog.showModal();
  no.focus(); // The safe answer.
  return new Promise((resolve) => { answer = resolve; });
}

const sourceOf = (form, submitter) => (submitter?.dataset.confirm ? submitter : form.dataset.confirm ? form : null);

export function initConfirm() {
  document.getElementById("confirm-dialog")?.addEventListener("close", (event) => {
    answer?.(event.target.returnValue === "yes");
    answer = null;
  });

  const passed = new WeakSet();
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (form.matches("[hx-post], [hx-put], [hx-delete]") || passed.delete(form)) return;
      const source = sourceOf(form, event.submitter);
      if (!source) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      ask(source).then((yes) => {
        if (!yes) return;
        passed.add(form);
        form.requestSubmit(event.submitter || undefined);
      });
    },
    true,
  );

  document.addEventListener("htmx:confirm", (event) => {
    const element = event.target;
    const submitter = event.detail.triggeringEvent?.submitter;
    const source = element.matches("form") ? sourceOf(element, submitter) : element.dataset.confirm ? element : null;
    if (!source) return;
    event.preventDefault();
    ask(source).then((yes) => { if (yes) event.detail.issueRequest(true); });
  });
}
