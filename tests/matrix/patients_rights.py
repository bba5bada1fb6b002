"""Who may open the pages about requests about personal data."""

from accounts.models import TotpDevice
from tests.factories.patients import PatientFactory
from tests.factories.rights import decide, receive, suspend
from tests.matrix import Row


def patient(cast):
    return {"pk": PatientFactory(full_name="Rahmat Hidayat").pk}


def waiting(cast):
    made = cast.made.get("request") or receive(actor=cast.admin)
    cast.made["request"] = made
    return {"pk": made.pk}


def answered(cast):
    return {"pk": decide(receive(actor=cast.admin), actor=cast.admin).pk}


def limit(cast):
    made = cast.made.get("limit") or suspend(PatientFactory(), actor=cast.admin)[0]
    cast.made["limit"] = made
    return {"pk": made.pk}


def own(cast):
    made = cast.made.get("own") or receive(cast.patient_user.patient, actor=cast.patient_user, channel="portal")
    cast.made["own"] = made
    return {"pk": made.pk}


def own_answered(cast):
    made = receive(cast.patient_user.patient, actor=cast.patient_user, kind="restriction", channel="portal")
    return {"pk": decide(made, actor=cast.admin, scopes=["messages"]).pk}


def sent_in_the_last_minutes(cast):
    TotpDevice.objects.get_or_create(user=cast.patient_user, name="Telepon")  # so that the sign-in is fresh
    return {"kind": "correction"}


def copy_ready(cast):
    from tests.factories.rights import granted_copy

    TotpDevice.objects.get_or_create(user=cast.patient_user, name="Telepon")
    return {"pk": granted_copy(cast.patient_user.patient, actor=cast.admin, asks=cast.patient_user).pk}


NEW = {
    "kind": "correction", "details": "Alamat salah", "channel": "letter", "requester_name": "Siti", "proof": "KTP dilihat",
    "received_at": "", "requester_relation": "",
}  # fmt: skip
ANSWER = {"status": "refused", "decision": "Kami tidak menemukan data ini.", "ground": "absent"}

ROWS = [
    Row("patients:data-request-list", holder="admin", colleague="owner"),
    Row("patients:data-rights", patient, holder="admin", colleague="receptionist"),
    Row("patients:data-request-add", patient, holder="receptionist", colleague="owner", outsider="patient"),
    Row("patients:data-request-add", patient, "POST", holder="receptionist", colleague="cashier", data=lambda cast: NEW),
    Row("patients:data-request-detail", waiting, holder="admin", colleague="receptionist"),
    Row("patients:data-request-decide", waiting, "POST", holder="admin", colleague="doctor", data=lambda cast: ANSWER),
    Row("patients:data-request-withdraw", waiting, "POST", holder="admin", colleague="nurse",
        data=lambda cast: {"reason": "Pasien menelepon"}),
    Row("patients:data-request-copy", waiting, "POST", holder="admin", colleague="receptionist"),
    Row("patients:data-request-letter", answered, holder="admin", colleague="receptionist"),
    Row("patients:limit-lift", limit, holder="admin", colleague="receptionist"),
    Row("patients:limit-lift", limit, "POST", holder="admin", colleague="doctor", data=lambda cast: {"reason": "Diminta"}),
    Row("patients:portal-rights", holder="patient", outsider="admin"),
    Row("patients:portal-data-request-add", sent_in_the_last_minutes, holder="patient", outsider="admin"),
    Row("patients:portal-data-request-add", sent_in_the_last_minutes, "POST", holder="patient", outsider="doctor",
        data=lambda cast: {"details": "Nama ibu salah"}),
    Row("patients:portal-data-request", own, holder="patient", outsider="other_patient"),
    Row("patients:portal-data-request-withdraw", own, "POST", holder="patient", outsider="other_patient"),
    Row("patients:portal-data-request-letter", own_answered, holder="patient", outsider="other_patient"),
    Row("patients:portal-data-request-copy", copy_ready, holder="patient", outsider="other_patient"),
]  # fmt: skip
