"""Keeps the end of guardian links in step with the birth date."""

from __future__ import annotations

from datetime import date
from typing import Any

import audit
from patients.guardians import adult_on, is_minor
from patients.models import GuardianLink, Patient


def realign_links(*, patient: Patient, born_before: date, actor: Any) -> int:
    """Move the ends of a patient's links after the birth date was corrected, under the patient's lock; how many moved.

    A link that ended at the old 18th birthday ends at the new one; an earlier end stays, a later one comes forward. A
    patient who turns out to be a child has their links end at 18 as well. `born_before` is the date that was wrong.
    """
    adult, old_adult = adult_on(patient.birth_date), adult_on(born_before)
    links = GuardianLink.objects.select_for_update().filter(dependant=patient, status=GuardianLink.Status.ACTIVE)
    moved = 0
    for link in links:
        if not link.is_for_child and not is_minor(patient):
            continue
        is_birthday = link.is_for_child and link.ends_on == old_adult
        ends_on = adult if is_birthday else min(link.ends_on or adult, adult)
        if (link.ends_on, link.is_for_child) == (ends_on, True):
            continue
        link.ends_on, link.is_for_child, link.announced_at = ends_on, True, None
        link.save(update_fields=["ends_on", "is_for_child", "announced_at"])
        audit.record("patients.guardian_link.realigned", actor=actor, patient=patient.pk, target=link)
        moved += 1
    return moved
