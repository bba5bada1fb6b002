"""Bringing two records of one person together, and undoing it.

Rows are moved, never rewritten: a signed note stays as it was signed and hangs on another record. What becomes of each
kind of row stands in `patients.merge_rules`; what was changed is kept in the journal of the `PatientMerge`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

import audit
from accounts.models import User
from core import clock, live
from core.db import retry_transaction
from patients import merge_rules
from patients.errors import CannotMerge, InvalidPatientData, MergeOver, PatientChanged, PatientNotFound
from patients.merge_rules import CHOICE_NAMES, CHOICES, VISIT, How
from patients.models import (
    Allergy,
    BloodTyping,
    CareTeamMember,
    DuplicatePair,
    EmergencyAccess,
    GuardianLink,
    HistoryEntry,
    HistorySection,
    Insurer,
    Patient,
    PatientAddress,
    PatientDemographics,
    PatientImage,
    PatientMerge,
    PolicyCoverage,
)
from patients.search import write_tokens_of
from patients.services.clinical_states import current_blood_typing
from patients.services.guardian_dates import realign_links
from patients.services.identity import require_reason
from patients.services.mail import notify_patient
from patients.services.merge_journal import Journal, as_text, batches, put_back
from patients.services.payer import active_policies, follow_identity

SURVIVOR, MERGED = "survivor", "merged"  # whose value of a fact stays
Values = Mapping[str, str]
# Social data of which an empty one is filled from the other record: a code together with its label.
FILLED_TOGETHER = {"religion_label": "religion_code", "education_label": "education_code",
                   "occupation_label": "occupation_code", "marital_label": "marital_code",
                   "age_band_label": "age_band_code"}  # fmt: skip
NOTHING_KNOWN = {"sex": "unknown", "kind": "unknown", "guarantor": "self"}  # what stands there when nobody said more
NOT_FILLED = frozenset({"patient_id", "updated_at", "nationality", "nik_missing", "is_mother_unknown"})


@dataclass(frozen=True)
class Undone:
    """A merge that was undone: how many rows went back, and what others had changed since and therefore stays."""

    merge: PatientMerge
    returned: int
    left: list[tuple[str, str]]  # (model label, column)


@retry_transaction
def merge_patients(
    *,
    survivor_id: UUID,
    merged_id: UUID,
    values: Values,
    reason: str,
    actor: Any,
    versions: Mapping[UUID, int] | None = None,
) -> PatientMerge:
    """Bring the record `merged_id` into `survivor_id`; its number stays as an alias, and it can be undone.

    `values` says for facts of the identity (`merge_rules.CHOICES`) whether the value of the "survivor" or of the "merged"
    record stays; a fact that is not named keeps the survivor's, or the other one's when the survivor has none. `versions`
    are those of the two records that the person has looked at. Who uses the portal for the survivor is told.

    Locks, in order: portal accounts, visits, patients by id. Everything else hangs on these.

    Raises:
        ReasonMissing: no reason was given.
        InvalidPatientData: an unknown fact or side; two different NIKs and nobody chose.
        PatientNotFound: one of the records is not there.
        PatientChanged: somebody saved one of the records in between.
        CannotMerge: it is one record; a record is merged or the survivor archived; both have a portal account in use; one
            is the mother of the other; laboratories found two blood types.
        DomainError: an app above refuses (`merge_rules.check_before_merge`): both have a visit under way.
    """
    why = require_reason(reason, _("Write why these two records are of one person."))
    _check_values(values)
    if survivor_id == merged_id:
        raise CannotMerge(_("This is one and the same record. Choose two records."))
    survivor, merged = _locked(survivor_id, merged_id)
    for patient in (survivor, merged):
        if versions is not None and versions.get(patient.pk) != patient.version:
            raise PatientChanged(_("One of the records was changed meanwhile. Nothing was merged; compare them again."))
    require_mergeable(survivor, merged)
    if needs_nik_choice(survivor, merged) and "nik" not in values:
        raise InvalidPatientData(
            _("The two records have different NIKs. Compare with the identity card and choose the right one."), "nik"
        )
    journal = Journal()
    _before_moving(journal, survivor, merged, values, actor)
    moved = _move_rows(journal, survivor, merged)
    _after_moving(journal, survivor, merged, actor)
    journal.change(merged, status=Patient.Status.MERGED, merged_into_id=survivor.pk)
    _decide_pairs(journal, survivor, merged, actor, why)
    _count_versions(survivor, merged)
    write_tokens_of([survivor, merged])
    merge = PatientMerge.objects.create(
        survivor=survivor, merged=merged, reason=why, journal=journal.as_data(), merged_at=clock.now(), merged_by=actor
    )
    _record("patients.patient.merged", actor, merge, {"moved": moved})
    notify_patient(patient=survivor, kind="records_merged")
    return merge


@retry_transaction
def undo_merge(*, merge_id: UUID, reason: str, actor: Any) -> Undone:
    """Put back exactly what a merge moved and changed; both records are found again by themselves.

    Rows made since stay with the survivor, except those that hang on a row that goes back (the note of a visit). A fact
    that somebody changed since the merge is not overwritten: it is listed in the answer.

    Locks as `merge_patients`.

    Raises:
        ReasonMissing: no reason was given.
        MergeOver: it was undone before, or the survivor was itself merged into another record, which must be undone first;
            or the list of what was moved was erased with the person's data.
    """
    why = require_reason(reason, _("Write why these are two persons after all."))
    known = PatientMerge.objects.only("survivor_id", "merged_id").get(pk=merge_id)
    survivor, merged = _locked(known.survivor_id, known.merged_id)
    merge = PatientMerge.objects.select_for_update().get(pk=merge_id)
    if merge.undone_at is not None:
        raise MergeOver(_("This merge was undone before."))
    if merge.journal.get("erased"):
        raise MergeOver(_("Parts of this record were erased since. The merge cannot be undone any more."))
    if survivor.status == Patient.Status.MERGED or merged.merged_into_id != survivor.pk:
        raise MergeOver(
            _("Record %(number)s was itself merged into another record later. Undo that merge first.")
            % {"number": survivor.record_number}
        )
    returned = _move_back(merge, survivor, merged)
    left = put_back(merge.journal)
    for entry in merge.journal["created"]:
        merge_rules.model_of(entry["model"])._base_manager.filter(pk=entry["id"]).delete()
    survivor.refresh_from_db()
    merged.refresh_from_db()
    for patient in (survivor, merged):
        _agree_allergy_state(patient)
    _count_versions(survivor, merged)
    write_tokens_of([survivor, merged])
    merge.undone_at, merge.undone_by, merge.undo_reason = clock.now(), actor, why
    merge.save(update_fields=["undone_at", "undone_by", "undo_reason"])
    _record("patients.patient.merge_undone", actor, merge, {"returned": returned, "left": len(left)})
    return Undone(merge, returned, left)


# --- What may be merged ----------------------------------------------------------------------------------------------


def require_mergeable(survivor: Patient, merged: Patient) -> None:
    """Raise when these two records cannot be merged in this direction; for a preview too, without locks.

    Raises:
        CannotMerge, DomainError: as `merge_patients`.
    """
    if merged.status == Patient.Status.MERGED or survivor.status == Patient.Status.MERGED:
        old = merged if merged.status == Patient.Status.MERGED else survivor
        raise CannotMerge(_("Record %(number)s was merged into another one already.") % {"number": old.record_number})
    if survivor.status != Patient.Status.ACTIVE:
        raise CannotMerge(
            _("Record %(number)s is archived. Keep the other record, or open this one again first.")
            % {"number": survivor.record_number}
        )
    if survivor.pk == merged.mother_id or merged.pk == survivor.mother_id:
        raise CannotMerge(_("One of them is recorded as the mother of the other: these are two persons."))
    if survivor.user_id and merged.user_id:
        in_use = User.objects.filter(pk__in=[survivor.user_id, merged.user_id], is_active=True).count()
        if in_use > 1:
            raise CannotMerge(
                _(
                    "Both records have a portal account in use. Ask the person which one to keep, let an admin close the "
                    "other one under Users, then merge."
                )
            )
    if has_two_blood_types(survivor, merged):
        raise CannotMerge(
            _(
                "Laboratories found two different blood types, so these are probably two persons. If one result is "
                "wrong, mark it as wrong in the clinical basics first."
            )
        )
    merge_rules.run_checks(survivor.pk, merged.pk)


def needs_nik_choice(first: Patient, second: Patient) -> bool:
    """True when both have a NIK, and not the same."""
    return bool(first.nik) and bool(second.nik) and first.nik != second.nik


def has_two_blood_types(first: Patient, second: Patient) -> bool:
    """True when laboratories found different types for the two records."""
    found = [current_blood_typing(patient) for patient in (first, second)]
    one, other = [row if row is not None and row.source == BloodTyping.Source.LAB else None for row in found]
    if one is None or other is None:
        return False
    return one.blood_type != other.blood_type or bool(one.rhesus and other.rhesus and one.rhesus != other.rhesus)


def picked(survivor: Patient, merged: Patient, values: Values) -> dict[str, str]:
    """Return for each fact whose value stays: what was chosen, else the survivor's unless it is empty."""
    return {
        choice.name: values.get(choice.name)
        or (MERGED if is_empty(survivor, choice) and not is_empty(merged, choice) else SURVIVOR)
        for choice in CHOICES
    }


def is_empty(patient: Patient, choice: merge_rules.Choice) -> bool:
    """True when nothing is known of this fact."""
    value = getattr(patient, choice.columns[0])
    return not value or value == NOTHING_KNOWN.get(choice.name)


def _check_values(values: Values) -> None:
    for name, side in values.items():
        if name not in CHOICE_NAMES or side not in (SURVIVOR, MERGED):
            raise InvalidPatientData(_("Choose one of the options."), name if name in CHOICE_NAMES else "")


def _locked(survivor_id: UUID, merged_id: UUID) -> tuple[Patient, Patient]:
    ids = [survivor_id, merged_id]
    accounts = Patient.objects.filter(pk__in=ids, user__isnull=False).values_list("user_id", flat=True)
    list(User.objects.select_for_update().filter(pk__in=list(accounts)).order_by("pk").values_list("pk"))
    visits = merge_rules.model_of(VISIT)._base_manager.filter(patient_id__in=ids)
    list(visits.select_for_update().order_by("pk").values_list("pk"))
    rows = {row.pk: row for row in Patient.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    if len(rows) < len(ids):
        raise PatientNotFound(_("There is no such patient."))
    return rows[survivor_id], rows[merged_id]


# --- Before the rows move --------------------------------------------------------------------------------------------


def _before_moving(journal: Journal, survivor: Patient, merged: Patient, values: Values, actor: Any) -> None:
    """Set the identity of the survivor, and whatever must be so before rows of both may hang on one record."""
    picks = picked(survivor, merged, values)
    born = merged.birth_date if picks["birth_date"] == MERGED else survivor.birth_date
    for patient in (survivor, merged):
        _realign_guardians(journal, patient, born, actor)
    _take_identity(journal, survivor, merged, picks)
    if picks["address"] == MERGED:
        _swap_addresses(journal, survivor, merged)
    _take_account(journal, survivor, merged)
    _fill_demographics(journal, survivor, merged)
    _end_double_guardians(journal, survivor, merged, actor)
    _join_care(journal, survivor, merged)
    _end_double_emergencies(journal, survivor, merged)


def _take_identity(journal: Journal, survivor: Patient, merged: Patient, picks: Values) -> None:
    taken: dict[str, Any] = {
        column: getattr(merged, column)
        for choice in CHOICES
        if picks[choice.name] == MERGED and choice.name != "nik"
        for column in choice.columns
    }
    if picks["mother_name"] == SURVIVOR and survivor.mother_id is None:
        taken["mother_id"] = merged.mother_id
    consents = [day for day in (survivor.consented_at, merged.consented_at) if day is not None]
    taken |= {
        "consented_at": min(consents, default=None),
        "profile_completed_at": survivor.profile_completed_at or merged.profile_completed_at,
        "legal_hold": survivor.legal_hold or merged.legal_hold,
    }
    journal.change(survivor, **taken)
    if picks["nik"] == MERGED and survivor.nik != merged.nik:
        # One NIK belongs to one record: the other one gives it up first, and keeps the one that is not right.
        theirs, mine = merged.nik, survivor.nik
        journal.change(merged, nik=None)
        journal.change(survivor, nik=theirs)
        journal.change(merged, nik=mine)


def _swap_addresses(journal: Journal, survivor: Patient, merged: Patient) -> None:
    """Let the structured address on the identity card follow the printed one that was chosen."""
    rows = PatientAddress.objects.filter(patient__in=[survivor, merged], use=PatientAddress.Use.IDENTITY)
    by_patient = {row.patient_id: row for row in rows}
    mine, theirs = by_patient.get(survivor.pk), by_patient.get(merged.pk)
    if mine is not None and theirs is not None:
        columns = [found.attname for found in PatientAddress._meta.concrete_fields]
        columns = [name for name in columns if name not in ("id", "patient_id", "use")]
        before = {name: getattr(mine, name) for name in columns}
        journal.change(mine, **{name: getattr(theirs, name) for name in columns})
        journal.change(theirs, **before)
    elif mine is not None:
        journal.change(mine, patient_id=merged.pk)


def _take_account(journal: Journal, survivor: Patient, merged: Patient) -> None:
    """Give the survivor the portal account that is in use; a closed one stays with the other record."""
    if merged.user_id is None:
        return
    mine, theirs = survivor.user_id, merged.user_id
    if mine is not None and not User.objects.filter(pk=theirs, is_active=True).exists():
        return
    journal.change(merged, user_id=None)
    journal.change(survivor, user_id=theirs)
    journal.change(merged, user_id=mine)


def _fill_demographics(journal: Journal, survivor: Patient, merged: Patient) -> None:
    rows = {row.patient_id: row for row in PatientDemographics.objects.filter(patient__in=[survivor, merged])}
    mine, theirs = rows.get(survivor.pk), rows.get(merged.pk)
    if theirs is None:
        return
    if mine is None:
        # The patient is the key of this row, so it is named by the patient it goes to.
        PatientDemographics.objects.filter(patient=merged).update(patient=survivor)
        journal.moves.append({"model": theirs._meta.label, "field": "patient", "ids": [str(survivor.pk)]})
        return
    taken = {}
    for column in (found.attname for found in PatientDemographics._meta.concrete_fields):
        asked = FILLED_TOGETHER.get(column, column)
        if column not in NOT_FILLED and not getattr(mine, asked) and getattr(theirs, asked):
            taken[column] = getattr(theirs, column)
    journal.change(mine, **taken)


def _realign_guardians(journal: Journal, patient: Patient, born: Any, actor: Any) -> None:
    """Let links that end at the 18th birthday end by the birth date that stays."""
    if patient.birth_date == born:
        return
    watched = ("ends_on", "is_for_child", "announced_at")
    rows = list(GuardianLink.objects.select_for_update().filter(dependant=patient).order_by("pk"))
    before = {row.pk: {name: as_text(row, name) for name in watched} for row in rows}
    corrected = copy.copy(patient)  # the other record keeps its own birth date
    corrected.birth_date = born
    realign_links(patient=corrected, born_before=patient.birth_date, actor=actor)
    for row in GuardianLink.objects.filter(pk__in=list(before)):
        journal.changed(row, before[row.pk])


def _end_double_guardians(journal: Journal, survivor: Patient, merged: Patient, actor: Any) -> None:
    """End active links that would stand twice, or lead from an account to its own record."""
    links = list(GuardianLink.objects.active().filter(dependant__in=[survivor, merged]).order_by("pk"))
    there = {link.guardian_id for link in links if link.dependant_id == survivor.pk}
    for link in links:
        is_double = link.dependant_id == merged.pk and link.guardian_id in there
        if is_double or link.guardian_id == survivor.user_id:
            journal.change(
                link, status=GuardianLink.Status.ENDED, ended_at=clock.now(), ended_by_id=actor.pk,
                reason=_("Records were merged."),
            )  # fmt: skip


def _join_care(journal: Journal, survivor: Patient, merged: Patient) -> None:
    """Where both records have the same reason for care, let the longer one count."""
    mine = {(row.member, row.source, row.source_id): row for row in CareTeamMember.objects.filter(patient=survivor)}
    for row in CareTeamMember.objects.filter(patient=merged):
        same = mine.get((row.member, row.source, row.source_id))
        if same is not None and same.ends_at is not None and (row.ends_at is None or row.ends_at > same.ends_at):
            journal.change(same, ends_at=row.ends_at)


def _end_double_emergencies(journal: Journal, survivor: Patient, merged: Patient) -> None:
    """Of one person's accesses to both records that nobody ended, end the one to the other record."""
    rows = list(EmergencyAccess.objects.filter(patient__in=[survivor, merged], ended_at__isnull=True).order_by("pk"))
    there = {row.user_id for row in rows if row.patient_id == survivor.pk}
    for row in rows:
        if row.patient_id == merged.pk and row.user_id in there:
            journal.change(row, ended_at=min(row.ends_at, clock.now()))


# --- Moving ----------------------------------------------------------------------------------------------------------


def _move_rows(journal: Journal, survivor: Patient, merged: Patient) -> dict[str, int]:
    """Point every row of the merged record at the survivor, as the rules say; how many of which kind."""
    moved: dict[str, int] = {}
    for name, model, column in merge_rules.links():
        rule = merge_rules.rule_of(name)
        if rule.how == How.STAY:
            continue
        rows = model._base_manager.filter(**{column.attname: merged.pk}).order_by("pk")
        if rule.how == How.MOVE or rule.key is None:
            ids = list(rows.values_list("pk", flat=True))
        else:
            there = {rule.key(row) for row in model._base_manager.filter(**{column.attname: survivor.pk})}
            ids = [row.pk for row in rows if rule.key(row) not in there]
        journal.move(model, column, ids, survivor.pk)
        if ids:
            moved[name] = len(ids)
    return moved


def _after_moving(journal: Journal, survivor: Patient, merged: Patient, actor: Any) -> None:
    """Bring what is counted from the rows of both into agreement."""
    photo = PatientImage.objects.filter(patient=survivor, kind=PatientImage.Kind.PHOTO).first()
    if photo is not None and merged.photo_key == photo.pk:
        journal.change(survivor, photo_key=photo.pk)
        journal.change(merged, photo_key=None)
    typing = current_blood_typing(survivor)
    if typing is not None:
        journal.change(survivor, blood_type=typing.blood_type, rhesus=typing.rhesus)
    _join_allergy_state(journal, survivor, merged)
    _join_history_sections(journal, survivor, merged)
    _agree_policies(journal, survivor, actor)


def _agree_policies(journal: Journal, survivor: Patient, actor: Any) -> None:
    """Let one policy pay first, the one that the payer names; a card number without a policy gets one."""
    columns = [found.attname for found in PolicyCoverage._meta.concrete_fields]
    before = {row.pk: {name: as_text(row, name) for name in columns} for row in active_policies(survivor)}
    numbers = {row.number for row in active_policies(survivor) if row.insurer.kind == Insurer.Kind.BPJS}
    is_missing = bool(survivor.bpjs_number) and survivor.bpjs_number not in numbers
    follow_identity(survivor, changed={"guarantor", *(["bpjs_number"] if is_missing and before else [])}, actor=actor)
    for row in PolicyCoverage.objects.filter(patient=survivor):
        if row.pk in before:
            journal.changed(row, before[row.pk])
        elif row.status == PolicyCoverage.Status.ACTIVE:
            journal.made(row)


def _join_allergy_state(journal: Journal, survivor: Patient, merged: Patient) -> None:
    status = Patient.AllergyStatus
    states = {survivor.allergy_status, merged.allergy_status}
    if Allergy.objects.filter(patient=survivor, status=Allergy.Status.ACTIVE).exists():
        state = status.KNOWN
    else:
        state = status.NONE if status.NONE in states else status.UNKNOWN
    asked = merged if _asked_later(merged, survivor) else survivor
    if asked.allergy_asked_at is not None and state != status.UNKNOWN:
        journal.change(
            survivor, allergy_status=state, allergy_asked_at=asked.allergy_asked_at,
            allergy_asked_by_id=asked.allergy_asked_by_id,
        )  # fmt: skip
    else:
        journal.change(survivor, allergy_status=state)


def _asked_later(first: Patient, second: Patient) -> bool:
    one, other = first.allergy_asked_at, second.allergy_asked_at
    return one is not None and (other is None or one > other)


def _agree_allergy_state(patient: Patient) -> None:
    """After an undo: "has allergies" exactly when there are some."""
    status = Patient.AllergyStatus
    has_some = Allergy.objects.filter(patient=patient, status=Allergy.Status.ACTIVE).exists()
    if has_some == (patient.allergy_status == status.KNOWN):
        return
    patient.allergy_status = status.KNOWN if has_some else status.UNKNOWN
    patient.save(update_fields=["allergy_status"])


def _join_history_sections(journal: Journal, survivor: Patient, merged: Patient) -> None:
    """When both were asked about a part of the history the later time counts; "none" only when there is nothing."""
    theirs = {row.section: row for row in HistorySection.objects.filter(patient=merged)}
    filled = set(
        HistoryEntry.objects.filter(patient=survivor, status=HistoryEntry.Status.ACTIVE).values_list(
            "section", flat=True
        )
    )
    for row in HistorySection.objects.filter(patient=survivor):
        other = theirs.get(row.section)
        if other is not None and other.asked_at > row.asked_at:
            journal.change(row, asked_at=other.asked_at, asked_by_id=other.asked_by_id)
        is_none = row.is_none or (other is not None and other.is_none)
        journal.change(row, is_none=is_none and row.section not in filled)


def _decide_pairs(journal: Journal, survivor: Patient, merged: Patient, actor: Any, why: str) -> None:
    """Close the suspicion about these two; whoever was found distinct from the merged record is so from the survivor."""
    for pair in DuplicatePair.objects.filter(first__in=[survivor, merged], second__in=[survivor, merged]):
        journal.change(
            pair, state=DuplicatePair.State.MERGED, decided_at=clock.now(), decided_by_id=actor.pk, reason=why
        )
    of_merged = DuplicatePair.objects.filter(state=DuplicatePair.State.DISTINCT)
    for pair in [*of_merged.filter(first=merged), *of_merged.filter(second=merged)]:
        other_id = pair.second_id if pair.first_id == merged.pk else pair.first_id
        first_id, second_id = sorted((survivor.pk, other_id))
        if other_id == survivor.pk or DuplicatePair.objects.filter(first_id=first_id, second_id=second_id).exists():
            continue
        journal.made(
            DuplicatePair.objects.create(
                first_id=first_id, second_id=second_id, signs=pair.signs, score=pair.score, state=pair.state,
                found_at=pair.found_at, decided_at=pair.decided_at, decided_by_id=pair.decided_by_id,
                reason=pair.reason,
            )
        )  # fmt: skip


# --- Moving back -----------------------------------------------------------------------------------------------------


def _move_back(merge: PatientMerge, survivor: Patient, merged: Patient) -> int:
    """Point the moved rows at the old record again, and rows made since that hang on them."""
    returned = 0
    for entry in merge.journal["moves"]:
        model = merge_rules.model_of(entry["model"])
        column = merge_rules.field_of(model, entry["field"]).attname
        for part in batches(entry["ids"]):
            rows = model._base_manager.filter(pk__in=part, **{column: survivor.pk})
            returned += rows.update(**{column: merged.pk})
    for name, ids in followers(merge).items():
        label, _dot, column = name.rpartition(".")
        model = merge_rules.model_of(label)
        attname = merge_rules.field_of(model, column).attname
        for part in batches(sorted(ids)):
            returned += model._base_manager.filter(pk__in=part).update(**{attname: merged.pk})
    return returned


def followers(merge: PatientMerge) -> dict[str, set[UUID]]:
    """Return rows made since a merge that hang on a row it moved, by the name of their foreign key to the patient."""
    gone: dict[str, set[UUID]] = {}
    for entry in merge.journal["moves"]:
        gone.setdefault(entry["model"], set()).update(UUID(pk) for pk in entry["ids"])
    found: dict[str, set[UUID]] = {}
    is_growing = True
    while is_growing:
        is_growing = False
        for name, rule in merge_rules.RULES.items():
            label, _dot, column = name.rpartition(".")
            for link, parent in rule.follows:
                ids = _hanging_on(label, column, link, gone.get(parent, set()), merge.survivor_id)
                new = ids - gone.get(label, set())
                if new:
                    found.setdefault(name, set()).update(new)
                    gone.setdefault(label, set()).update(new)
                    is_growing = True
    return found


def _hanging_on(label: str, column: str, link: str, parents: set[UUID], patient_id: UUID) -> set[UUID]:
    model = merge_rules.model_of(label)
    attname = merge_rules.field_of(model, column).attname
    found: set[UUID] = set()
    for part in batches(sorted(parents)):
        rows = model._base_manager.filter(**{f"{link}__in": part, attname: patient_id})
        found.update(rows.values_list("pk", flat=True))
    return found


def _count_versions(survivor: Patient, merged: Patient) -> None:
    """Let forms that were opened before be refused. Versions only grow, also when a merge is undone."""
    for patient in (survivor, merged):
        patient.version += 1
        patient.save(update_fields=["version"])


def _record(action: str, actor: Any, merge: PatientMerge, detail: dict[str, Any]) -> None:
    """Write the event for both records: each has its own list of who did what."""
    numbers = {"survivor": merge.survivor.record_number, "merged": merge.merged.record_number}
    for patient_id in (merge.survivor_id, merge.merged_id):
        audit.record(action, actor=actor, patient=patient_id, target=merge, detail={**numbers, **detail})
    live.changed(live.QUEUE)
    live.changed(live.APPOINTMENTS)
