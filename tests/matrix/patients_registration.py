"""Who may open the pages of registration."""

from core.ids import uuid7
from patients.services.drafts import save_draft
from tests.factories.patients import PatientFactory
from tests.matrix import Row


def mother(cast):
    return {"pk": PatientFactory(full_name="Rohani").pk}


def draft(cast):
    return {"pk": save_draft(user=cast.receptionist, draft_id=uuid7(), fields={"full_name": "Budi"}).pk}


def typed(cast):
    return {"registration_key": str(uuid7()), "full_name": "Budi"}


ROWS = [
    Row("patients:register-newborn", build=mother, holder="receptionist", colleague="doctor"),
    Row(
        "patients:register-mother", method="POST", holder="receptionist", colleague="nurse",
        data=lambda cast: {"mother_query": "rohani"},
    ),
    Row("patients:registration-draft", method="POST", holder="receptionist", colleague="doctor", data=typed),
    Row("patients:registration-draft-resume", build=draft, holder="receptionist", colleague="cashier", outsider="admin"),
    Row(
        "patients:registration-draft-discard", method="POST", build=draft, holder="receptionist", colleague="cashier",
        outsider="admin",
    ),
    Row(
        "patients:region-list", method="POST", holder="receptionist", outsider=None, data=lambda cast: {"q": "baloi"},
        note="Names of places, no patient: every signed-in person may look them up.",
    ),
]  # fmt: skip
