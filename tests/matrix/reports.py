from tests.factories.reports import AccessAlertFactory
from tests.matrix import Row


def an_alert(cast):
    return {"pk": AccessAlertFactory(actor=cast.nurse).pk}


ROWS = [
    Row("reports:dashboard", holder="nurse"),
    Row("reports:dashboard-panel", holder="nurse"),
    Row("reports:audit-browser", colleague="doctor"),
    Row("reports:audit-browser", method="POST", colleague="nurse", data=lambda cast: {"record_number": "100001"}),
    Row("reports:audit-export", method="POST", colleague="doctor"),
    Row("reports:alert-list", holder="owner", colleague="receptionist"),
    Row("reports:alert-detail", an_alert, holder="owner", colleague="cashier"),
    Row(
        "reports:alert-detail",
        an_alert,
        method="POST",
        holder="owner",
        colleague="cashier",
        data=lambda cast: {"outcome": "explained", "note": "Ditanyakan langsung"},
    ),
    Row("reports:portal-record-access", holder="patient", outsider="nurse"),
]
