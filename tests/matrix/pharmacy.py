from tests.factories import pharmacy as made
from tests.matrix import Row


def new(cast):
    prescription = made.prescribe(made.MedicineFactory(), patient=cast.patient_user.patient, doctor=cast.doctor)
    cast.made["prescription"] = prescription
    return {"pk": prescription.pk}


def paid(cast):
    prescription = made.ready(
        made.MedicineFactory(), pharmacist=cast.pharmacist, cashier=cast.cashier, patient=cast.patient_user.patient
    )
    return {"pk": prescription.pk}


def item(cast):
    new(cast)
    return {"pk": cast.made["prescription"].items.get().pk}


def prices(cast):
    line = cast.made["prescription"].items.get()
    checks = dict.fromkeys(("administrative", "pharmaceutical", "clinical"), "on")
    return {f"price-{line.pk}": "500", f"reason-{line.pk}": "", **checks}


def medicine(cast):
    return {"pk": made.MedicineFactory().pk}


def batch(cast):
    return {"pk": made.MedicineFactory().batches.get().pk}


def expired_batch(cast):
    return {"pk": made.add_batch(made.MedicineFactory(), quantity=5, expires_in_days=-1).pk}


def delivery(cast):
    return {"lot_number": "L-77", "expires_on": "2031-12-31", "quantity": "10", "unit_cost_idr": "300"}


def own_visit(cast):
    cast.made["visit"] = made.visit_at_pharmacy(patient=cast.patient_user.patient, doctor=cast.doctor)
    return {}


def visit_data(cast):
    return {"visit": str(cast.made["visit"].pk)}


ROWS = [
    Row("pharmacy:queue", holder="pharmacist", colleague="cashier"),
    Row("pharmacy:queue-panel", holder="pharmacist", colleague="doctor"),
    Row("pharmacy:prescription-list", holder="pharmacist", colleague="cashier"),
    Row(
        "pharmacy:prescription-list",
        method="POST",
        holder="pharmacist",
        colleague="cashier",
        data=lambda cast: {"q": "siti", "status": ""},
    ),
    Row("pharmacy:prescription-detail", new, holder="pharmacist", colleague="cashier"),
    Row(
        "pharmacy:prescription-confirm-prices",
        new,
        method="POST",
        holder="pharmacist",
        colleague="doctor",
        data=prices,
    ),
    Row(
        "pharmacy:prescription-dispense",
        paid,
        method="POST",
        holder="pharmacist",
        colleague="nurse",
        data=lambda cast: {"is_identity_verified": "on"},
    ),
    Row(
        "pharmacy:prescription-cancel",
        new,
        method="POST",
        holder="pharmacist",
        colleague="doctor",
        data=lambda cast: {"reason": "Pasien batal"},
    ),
    Row("pharmacy:prescription-pdf", new, holder="pharmacist", colleague="cashier"),
    Row("pharmacy:prescription-next-panel", new, holder="pharmacist", colleague="doctor"),
    Row("pharmacy:prescription-labels", new, holder="pharmacist", colleague="doctor"),
    Row("pharmacy:item-label", item, holder="pharmacist", colleague="nurse"),
    Row("pharmacy:portal-prescription-pdf", new, holder="patient", outsider="other_patient"),
    Row("pharmacy:stock", holder="pharmacist", colleague="doctor"),
    Row("pharmacy:medicine-detail", medicine, holder="pharmacist", colleague="doctor"),
    Row("pharmacy:stock-receive", medicine, holder="pharmacist", colleague="doctor"),
    Row("pharmacy:stock-receive", medicine, method="POST", holder="pharmacist", colleague="doctor", data=delivery),
    Row("pharmacy:batch-adjust", batch, holder="pharmacist", colleague="admin"),
    Row(
        "pharmacy:batch-adjust",
        batch,
        method="POST",
        holder="pharmacist",
        colleague="admin",
        data=lambda cast: {"direction": "less", "quantity": "1", "reason": "Pecah satu"},
    ),
    Row("pharmacy:batch-dispose", expired_batch, holder="pharmacist", colleague="doctor"),
    Row(
        "pharmacy:batch-dispose",
        expired_batch,
        method="POST",
        holder="pharmacist",
        colleague="doctor",
        data=lambda cast: {"reason": "Dimusnahkan"},
    ),
    Row("pharmacy:medicine-search", holder="doctor", colleague="pharmacist"),
    Row("pharmacy:lines-check", own_visit, method="POST", holder="doctor", colleague="pharmacist", data=visit_data),
]
