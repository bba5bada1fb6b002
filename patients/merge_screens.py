"""What the screens of duplicates and merges show: two records side by side, and what a merge would do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Count, F, QuerySet, Value
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from core.errors import DomainError
from patients import merge_rules
from patients.duplicate_screens import DIFFERS, MISSING, SAME, Line, agreement, day_label, masked, phone_label
from patients.merge_rules import CHOICES, Choice, How
from patients.models import Patient, PatientMerge
from patients.services import likeness, merging
from patients.services.merge_journal import changed_since

SHOWN_NIK = (0, 1, 2, 3, -4, -3, -2, -1)  # digits of a NIK that a screen shows; those that differ are shown as well


def fact_lines(first: Patient, second: Patient) -> list[Line]:
    """Return every fact of the identity of two records beside each other; facts that both lack are left out."""
    lines = [_line(choice, first, second) for choice in CHOICES]
    return [line for line in lines if line.first or line.second]


def choosable(survivor: Patient, merged: Patient) -> list[Line]:
    """Return the facts of which one of two values must go: both are known and differ."""
    return [
        line
        for line, choice in ((_line(choice, survivor, merged), choice) for choice in CHOICES)
        if line.agreement not in (SAME, MISSING)
        and not merging.is_empty(survivor, choice)
        and not merging.is_empty(merged, choice)
    ]


def filled(survivor: Patient, merged: Patient) -> list[str]:
    """Return the names of facts that the survivor lacks and gets from the other record."""
    picks = merging.picked(survivor, merged, {})
    return [str(choice.label) for choice in CHOICES if picks[choice.name] == merging.MERGED]


def _line(choice: Choice, first: Patient, second: Patient) -> Line:
    name = choice.name
    one, other = getattr(first, choice.columns[0]), getattr(second, choice.columns[0])
    return Line(
        name, str(choice.label), _shown(choice, first, second), _shown(choice, second, first),
        agreement(one, other, similar=_is_similar(name, one, other)),
    )  # fmt: skip


def _is_similar(name: str, one: Any, other: Any) -> bool:
    if not one or not other:
        return False
    if name in ("full_name", "mother_name"):
        return likeness.is_similar_name(one, other)
    return name == "birth_date" and likeness.is_near_date(one, other)


def _shown(choice: Choice, patient: Patient, other: Patient) -> str:
    """Return the value of a fact as the screen shows it, "" when there is none."""
    name, value = choice.name, getattr(patient, choice.columns[0])
    if not value:
        return ""
    if name == "full_name":
        return " ".join(part for part in (patient.title_prefix, value, patient.title_suffix) if part)
    if name == "nik":
        return mask_differing(value, other.nik or "")
    if name in ("birth_date", "deceased_on"):
        return day_label(value) if name == "birth_date" else day_label(value).partition(" (")[0]
    if name == "phone":
        return phone_label(value)
    if name == "bpjs_number":
        return masked(value)
    if name == "blood_type":
        return f"{value}{patient.rhesus}"
    display = getattr(patient, f"get_{choice.columns[0]}_display", None)
    return str(display()) if display is not None else str(value)


def mask_differing(nik: str, other: str) -> str:
    """Return a NIK of which a screen shows the usual digits, and those in which the other one differs."""
    shown = {at % len(nik) for at in SHOWN_NIK}
    if len(nik) == len(other):
        shown |= {at for at in range(len(nik)) if nik[at] != other[at]}
    return "".join(digit if at in shown else "•" for at, digit in enumerate(nik))


def warnings(first: Patient, second: Patient) -> list[str]:
    """Return what speaks against one person, in sentences."""
    found = []
    if merging.needs_nik_choice(first, second):
        found.append(_("The NIKs differ. A NIK belongs to one person: look at both identity cards before you merge."))
    if agreement(first.birth_date, second.birth_date) == DIFFERS:
        found.append(_("The dates of birth differ."))
    if {first.sex, second.sex} == {"male", "female"}:
        found.append(_("One is recorded as a man, the other as a woman."))
    for patient in (first, second):
        if patient.duplicate_reason:
            found.append(
                _("When %(number)s was registered, the desk wrote why it is another person: “%(reason)s”")
                % {"number": patient.record_number, "reason": patient.duplicate_reason}
            )
    return found


def problem(survivor: Patient, merged: Patient) -> str:
    """Return why these two cannot be merged in this direction, or ""."""
    try:
        merging.require_mergeable(survivor, merged)
    except DomainError as error:
        return str(error)
    return ""


# --- How much hangs on a record --------------------------------------------------------------------------------------


def counts(ids: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """Return how many rows of each kind hang on these records, by the name of the rule. One statement for all kinds."""
    wanted = list(ids)
    parts: list[QuerySet[Any, Any]] = []
    for name, model, column in merge_rules.links():
        if merge_rules.rule_of(name).words is None:
            continue
        rows = model._base_manager.filter(**{f"{column.attname}__in": wanted}).order_by()
        parts.append(
            rows.values(counted_for=F(column.attname))
            .annotate(counted_rule=Value(name), counted_rows=Count("pk"))
            .values_list("counted_for", "counted_rule", "counted_rows")
        )
    found: dict[UUID, dict[str, int]] = {pk: {} for pk in wanted}
    for holder, kind, number in parts[0].union(*parts[1:], all=True):
        found[holder if isinstance(holder, UUID) else UUID(str(holder))][kind] = number
    return found


def count_words(numbers: dict[str, int]) -> list[str]:
    """Return counts in words, in the order of the rules: "12 visits", "3 prescriptions"."""
    return [
        str(rule.words % {"count": numbers[name]})
        for name, rule in merge_rules.RULES.items()
        if numbers.get(name) and rule.words is not None
    ]


def staying(survivor: Patient, merged: Patient) -> int:
    """Return how many rows of the merged record would stay behind because the other record has the same."""
    number = 0
    for name, model, column in merge_rules.links():
        rule = merge_rules.rule_of(name)
        if rule.how != How.UNLESS_SAME or rule.key is None or rule.words is None:
            continue
        rows = list(model._base_manager.filter(**{f"{column.attname}__in": [survivor.pk, merged.pk]}))
        there = {rule.key(row) for row in rows if getattr(row, column.attname) == survivor.pk}
        number += sum(getattr(row, column.attname) == merged.pk and rule.key(row) in there for row in rows)
    return number


# --- A merge that was made -------------------------------------------------------------------------------------------


def may_be_undone(merge: PatientMerge) -> bool:
    """True unless it was undone, or the list of what it moved was erased with the person's data."""
    return merge.undone_at is None and not merge.journal.get("erased")


def moved_words(merge: PatientMerge) -> list[str]:
    """Return what a merge moved, in words; nothing when that list was erased."""
    moves = merge.journal.get("moves", [])
    numbers = {f"{entry['model']}.{entry['field']}": len(entry["ids"]) for entry in moves}
    return count_words(numbers)


def since_words(merge: PatientMerge) -> tuple[list[str], list[str]]:
    """Return what was made since a merge, in words: what goes back with a moved row, and what stays with the survivor."""
    follow = {name: len(ids) for name, ids in merging.followers(merge).items()}
    moved = {f"{entry['model']}.{entry['field']}": {*entry["ids"]} for entry in merge.journal["moves"]}
    stay: dict[str, int] = {}
    for name, model, column in merge_rules.links():
        if merge_rules.rule_of(name).words is None or name == "patients.Patient.mother":
            continue
        rows = model._base_manager.filter(**{column.attname: merge.survivor_id}, pk__gt=merge.pk)
        number = sum(str(pk) not in moved.get(name, ()) for pk in rows.values_list("pk", flat=True))
        stay[name] = number - follow.get(name, 0)
    return count_words(follow), count_words(stay)


def changed_words(left: Iterable[tuple[str, str]]) -> list[str]:
    """Return columns that others changed since a merge, as people call them."""
    labels = {}
    for label, column in left:
        model = merge_rules.model_of(label)
        field = merge_rules.field_of(model, column)
        name = capfirst(str(field.verbose_name))
        labels[label, column] = (
            name if label == "patients.Patient" else f"{capfirst(str(model._meta.verbose_name))}: {name}"
        )
    return sorted(set(labels.values()))


def undo_preview(merge: PatientMerge) -> dict[str, list[str]]:
    """Return in words what undoing would put back, take along, and leave."""
    follow, stay = since_words(merge)
    return {
        "goes_back": moved_words(merge),
        "follows": follow,
        "stays": stay,
        "changed": changed_words(changed_since(merge.journal)),
    }
