// The cashier's form: shows the cash fields or the reference, and the change for the amount that is being taken.
const form = document.querySelector("[data-payment-form]");

if (form) {
  const amount = document.getElementById("id_amount_idr");
  const output = form.querySelector("[data-money-change]");

  const showMethod = () => {
    const cash = new FormData(form).get("method") === "cash";
    for (const part of form.querySelectorAll("[data-when-method]")) {
      part.hidden = (part.dataset.whenMethod === "cash") !== cash;
    }
  };
  form.addEventListener("change", showMethod);
  showMethod();

  const due = () => {
    output.dataset.due = amount.value.replace(/\D/g, "") || "0";
    document.getElementById(output.dataset.paid)?.dispatchEvent(new Event("input"));
  };
  amount?.addEventListener("input", due);
}
