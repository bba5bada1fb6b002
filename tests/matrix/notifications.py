from core import clock
from notifications.models import Email
from notifications.services import notify, queue_email
from tests.matrix import Row


def own_notice(cast):
    notify(recipients=[cast.nurse], kind="patient_arrived", params={"queue": "A012"}, path="/notices/")
    return {"pk": cast.nurse.notices.latest("pk").pk}


def failed_email(cast):
    email = queue_email(
        template="account_activated",
        to="siti@surat.example",
        language="id",
        context={"name": "Siti Aminah", "record_number": "000001"},
        dedupe_key=f"matrix:{clock.now().isoformat()}",
    )
    Email.objects.filter(pk=email.pk).update(status=Email.Status.FAILED)
    return {"pk": email.pk}


EVERYONE = "every signed-in person has own notices"

ROWS = [
    Row("notifications:notice-list", holder="nurse", outsider=None, note=EVERYONE),
    Row("notifications:notice-list-panel", holder="patient", outsider=None, note=EVERYONE),
    Row("notifications:notice-bell", holder="patient", outsider=None, note=EVERYONE),
    Row("notifications:notice-read-all", method="POST", holder="nurse", outsider=None, note=EVERYONE),
    Row("notifications:notice-open", own_notice, "POST", holder="nurse", outsider="admin"),
    Row("notifications:notice-read", own_notice, "POST", holder="nurse", outsider="patient"),
    Row("notifications:email-list", holder="admin", colleague="receptionist"),
    Row("notifications:email-resend", failed_email, "POST", holder="admin", colleague="owner"),
]
