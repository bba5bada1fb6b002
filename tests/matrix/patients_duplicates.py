"""Who may decide about records that look alike, and merge them."""

from patients.services import pairs
from patients.services.merging import merge_patients
from tests.factories.patients import PatientFactory
from tests.matrix import Row


def people(cast):
    made = cast.made.get("alike") or [PatientFactory(full_name="Siti Aminah", phone=phone) for phone in (None, "+6281")]
    cast.made["alike"] = made
    return made


def pair(cast):
    first, second = people(cast)
    return {"pk": pairs.pair_by_hand(one_id=first.pk, other_id=second.pk, actor=cast.admin).pk}


def distinct_pair(cast):
    made = pair(cast)
    pairs.decide_distinct(pair_id=made["pk"], reason="Kembar", actor=cast.admin)
    return made


def merge(cast):
    first, second = people(cast)
    made = merge_patients(survivor_id=first.pk, merged_id=second.pk, values={}, reason="KTP sama", actor=cast.admin)
    return {"pk": made.pk}


def survivor(cast):
    merge(cast)
    return {"pk": people(cast)[0].pk}


def numbers(cast):
    first, second = people(cast)
    return {"first_number": first.record_number, "second_number": second.record_number}


def merging(cast):
    return {"reason": "KTP sama", "compared": "on", "survivor_version": "1", "merged_version": "1"}


def reason(cast):
    return {"reason": "Kembar"}


ROWS = [
    Row("patients:duplicate-list", colleague="receptionist"),
    Row("patients:duplicate-add", colleague="receptionist"),
    Row("patients:duplicate-add", method="POST", colleague="receptionist", data=numbers),
    Row("patients:duplicate-detail", pair, colleague="receptionist"),
    Row("patients:duplicate-distinct", pair, "POST", colleague="receptionist", data=reason),
    Row("patients:duplicate-reopen", distinct_pair, "POST", colleague="doctor"),
    Row("patients:merge", pair, colleague="receptionist"),
    Row("patients:merge", pair, "POST", colleague="receptionist", data=merging),
    Row("patients:merge-list", colleague="receptionist"),
    Row("patients:merge-detail", merge, colleague="receptionist"),
    Row("patients:merge-undo", merge, colleague="receptionist"),
    Row("patients:merge-undo", merge, "POST", colleague="receptionist", data=reason),
    Row("patients:merges", survivor, colleague="receptionist"),
]
