"""Who keeps the register of data failures, and who decides about records past their time."""

from datetime import date, timedelta

from core import clock
from patients.models import AffectedPatient, RetentionProposal
from patients.services import breaches
from tests.factories.patients import PatientFactory
from tests.matrix import Row


def breach(cast):
    made = breaches.record_breach(
        actor=cast.admin, title="Laptop hilang", discovered_at=clock.now() - timedelta(hours=1), data_kinds=["identity"],
        course="Dicuri dari mobil", measures="Kunci diganti",
    )  # fmt: skip
    cast.made["breach"] = made
    return {"pk": made.pk}


def affected(cast):
    breach(cast)
    made = AffectedPatient.objects.create(breach=cast.made["breach"], patient=PatientFactory(), added_at=clock.now())
    return {"pk": made.pk}


def proposal(cast):
    made = RetentionProposal.objects.create(
        patient=PatientFactory(birth_date=date(1950, 1, 1)),
        last_used_on=date(1999, 1, 1),
        due_on=date(2024, 1, 1),
        proposed_at=clock.now(),
    )
    return {"pk": made.pk}


def facts(cast):
    return {"title": "Laptop hilang", "discovered_at": "2026-03-05T09:00", "risk": "high"}


def edited(cast):
    return {**facts(cast), "version": cast.made["breach"].version}


def period(cast):
    return {"person": cast.doctor.pk, "since": "2026-03-01T00:00", "until": "2026-03-05T00:00"}


KEEP = {"reason": "Perkara", "keep_until": "2030-01-01"}
ROWS = [
    Row("patients:breach-list", holder="admin", colleague="doctor"),
    Row("patients:breach-list", holder="owner", colleague="receptionist"),
    Row("patients:breach-add", holder="owner", colleague="doctor"),
    Row("patients:breach-add", method="POST", holder="admin", colleague="doctor", data=facts),
    Row("patients:breach", breach, holder="owner", colleague="doctor"),
    Row("patients:breach-edit", breach, holder="admin", colleague="cashier"),
    Row("patients:breach-edit", breach, "POST", holder="admin", colleague="cashier", data=edited),
    Row("patients:breach-numbers", breach, "POST", holder="admin", colleague="nurse",
        data=lambda cast: {"numbers": "000001"}),
    Row("patients:breach-opened", breach, "POST", holder="owner", colleague="nurse", data=period),
    Row("patients:breach-mails", breach, "POST", holder="admin", colleague="pharmacist"),
    Row("patients:breach-told", breach, "POST", holder="admin", colleague="pharmacist",
        data=lambda cast: {"how": "letter"}),
    Row("patients:breach-notice", breach, "POST", holder="admin", colleague="pharmacist",
        data=lambda cast: {"to": "agency", "at": clock.local(clock.now()).strftime("%Y-%m-%dT%H:%M:%S")}),
    Row("patients:breach-close", breach, "POST", holder="owner", colleague="doctor",
        data=lambda cast: {"reason": "Latihan"}),
    Row("patients:breach-export", breach, "POST", holder="admin", colleague="doctor"),
    Row("patients:breach-paper", breach, "POST", holder="owner", colleague="doctor"),
    Row("patients:breach-affected-remove", affected, "POST", holder="admin", colleague="doctor"),
    Row("patients:retention-list", holder="admin", colleague="owner"),
    Row("patients:retention", proposal, holder="admin", colleague="owner"),
    Row("patients:retention", proposal, "POST", holder="admin", colleague="receptionist", data=lambda cast: KEEP),
    Row("patients:retention-approve", proposal, "POST", holder="admin", colleague="doctor",
        data=lambda cast: {"reason": "BA-1/2026"}),
]  # fmt: skip
