"""What happens to each row of a record that is merged into another: one rule for every foreign key to `Patient`.

Apps above this one are named, not imported. A foreign key without a rule stops a merge, and a test before that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast
from uuid import UUID

from django.apps import apps
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from patients.models import Patient

VISIT = "scheduling.Visit"


class How(Enum):
    """What a merge does with rows of one kind."""

    MOVE = "move"  # all of them go to the record that stays
    UNLESS_SAME = "unless_same"  # as MOVE, but a row that the record has already, by `key`, stays behind
    STAY = "stay"  # they are about the old record itself, or are handled by name in `services.merging`


@dataclass(frozen=True)
class Rule:
    """How rows of one foreign key are treated.

    `words` count them for people; without words they are not shown. `follows` names columns that hold the id of another
    row: when a merge is undone, a row made since goes back with the row it hangs on.
    """

    how: How = How.MOVE
    words: Any = None
    key: Callable[[Any], tuple[Any, ...]] | None = None
    follows: tuple[tuple[str, str], ...] = ()


def _named(row: Any, *columns: str) -> tuple[Any, ...]:
    return tuple(
        value.strip().casefold() if isinstance(value, str) else value
        for value in (getattr(row, name) for name in columns)
    )


RULES: dict[str, Rule] = {
    # --- higher apps
    "scheduling.Visit.patient": Rule(
        words=ngettext_lazy("%(count)d visit", "%(count)d visits", "count"),
        follows=(("appointment_id", "scheduling.Appointment"),),
    ),
    "scheduling.Appointment.patient": Rule(
        words=ngettext_lazy("%(count)d appointment", "%(count)d appointments", "count")
    ),
    "scheduling.WaitlistEntry.patient": Rule(
        words=ngettext_lazy("%(count)d place on the waiting list", "%(count)d places on the waiting list", "count"),
        follows=(("offer_id", "scheduling.Appointment"),),
    ),
    "scheduling.ReminderPreference.patient": Rule(How.UNLESS_SAME, key=lambda row: ()),
    "consultations.Note.patient": Rule(
        words=ngettext_lazy("%(count)d consultation note", "%(count)d consultation notes", "count"),
        follows=(("visit_id", VISIT),),
    ),
    "consultations.VitalSigns.patient": Rule(
        words=ngettext_lazy("%(count)d set of vital signs", "%(count)d sets of vital signs", "count"),
        follows=(("visit_id", VISIT),),
    ),
    "consultations.Diagnosis.patient": Rule(
        words=ngettext_lazy("%(count)d diagnosis", "%(count)d diagnoses", "count"),
        follows=(("note_id", "consultations.Note"),),
    ),
    "pharmacy.Prescription.patient": Rule(
        words=ngettext_lazy("%(count)d prescription", "%(count)d prescriptions", "count"),
        follows=(("visit_id", VISIT),),
    ),
    "billing.Invoice.patient": Rule(
        words=ngettext_lazy("%(count)d bill", "%(count)d bills", "count"), follows=(("encounter_id", VISIT),)
    ),
    # --- clinical basics
    "patients.Allergy.patient": Rule(
        How.UNLESS_SAME, ngettext_lazy("%(count)d allergy", "%(count)d allergies", "count"),
        key=lambda row: _named(row, "status", "substance", "code", "group", "reaction", "severity"),
    ),
    "patients.HistoryEntry.patient": Rule(
        How.UNLESS_SAME, ngettext_lazy("%(count)d history entry", "%(count)d history entries", "count"),
        key=lambda row: _named(
            row, "status", "section", "code", "what", "kind", "relation", "onset_year", "ended_year", "dose", "note"
        ),
    ),
    "patients.HistorySection.patient": Rule(How.UNLESS_SAME, key=lambda row: (row.section,)),
    "patients.PregnancyStatus.patient": Rule(
        words=ngettext_lazy("%(count)d note about pregnancy", "%(count)d notes about pregnancy", "count")
    ),
    "patients.BloodTyping.patient": Rule(
        words=ngettext_lazy("%(count)d blood typing", "%(count)d blood typings", "count")
    ),
    # --- papers, payers, consents
    "patients.PatientDocument.patient": Rule(
        words=ngettext_lazy("%(count)d document", "%(count)d documents", "count")
    ),
    "patients.PatientImage.patient": Rule(
        How.UNLESS_SAME, ngettext_lazy("%(count)d photo", "%(count)d photos", "count"), key=lambda row: (row.kind,)
    ),
    "patients.Consent.patient": Rule(
        words=ngettext_lazy("%(count)d consent", "%(count)d consents", "count"),
        follows=(("withdraws_id", "patients.Consent"),),
    ),
    "patients.PolicyCoverage.patient": Rule(
        How.UNLESS_SAME, ngettext_lazy("%(count)d policy", "%(count)d policies", "count"),
        key=lambda row: (row.insurer_id, row.status, *_named(row, "number")),
    ),
    # --- who the person is
    "patients.PatientDemographics.patient": Rule(How.STAY),  # blanks are filled, by name
    "patients.PatientAddress.patient": Rule(How.UNLESS_SAME, key=lambda row: (row.use,)),
    "patients.PatientIdentifier.patient": Rule(
        How.UNLESS_SAME, ngettext_lazy("%(count)d other number", "%(count)d other numbers", "count"),
        key=lambda row: _named(row, "kind", "value", "country"),
    ),
    "patients.PatientContact.patient": Rule(
        How.UNLESS_SAME, ngettext_lazy("%(count)d contact", "%(count)d contacts", "count"), key=lambda row: (row.role,)
    ),
    "patients.Patient.mother": Rule(words=ngettext_lazy("%(count)d newborn", "%(count)d newborns", "count")),
    # --- who may see it
    "patients.CareTeamMember.patient": Rule(
        How.UNLESS_SAME,
        key=lambda row: (row.member, row.source, row.source_id),
        follows=(
            ("source_id", VISIT), ("source_id", "scheduling.Appointment"), ("source_id", "pharmacy.Prescription"),
            ("source_id", "patients.EmergencyAccess"),
        ),
    ),
    "patients.GuardianLink.dependant": Rule(
        words=ngettext_lazy("%(count)d guardian link", "%(count)d guardian links", "count")
    ),
    "patients.EmergencyAccess.patient": Rule(
        words=ngettext_lazy("%(count)d emergency access", "%(count)d emergency accesses", "count")
    ),
    "patients.PortalRegistration.patient": Rule(),
    # --- rights
    "patients.DataRequest.patient": Rule(
        words=ngettext_lazy("%(count)d data request", "%(count)d data requests", "count")
    ),
    "patients.Erasure.patient": Rule(
        words=ngettext_lazy("%(count)d erasure", "%(count)d erasures", "count"),
        follows=(("request_id", "patients.DataRequest"),),
    ),
    "patients.ProcessingLimit.patient": Rule(
        words=ngettext_lazy("%(count)d use of data suspended", "%(count)d uses of data suspended", "count"),
        follows=(("request_id", "patients.DataRequest"),),
    ),
    "patients.AffectedPatient.patient": Rule(
        How.UNLESS_SAME,
        ngettext_lazy("%(count)d data failure", "%(count)d data failures", "count"),
        key=lambda row: (row.breach_id,),
    ),
    "patients.RetentionProposal.patient": Rule(How.STAY),  # its reckoning was about the old record alone
    # --- about the record itself
    "patients.PatientToken.patient": Rule(How.STAY),  # follows the identity
    "patients.DuplicatePair.first": Rule(How.STAY),
    "patients.DuplicatePair.second": Rule(How.STAY),
    "patients.Patient.merged_into": Rule(),  # older numbers of the merged record become numbers of the one that stays
    "patients.PatientMerge.survivor": Rule(How.STAY),
    "patients.PatientMerge.merged": Rule(How.STAY),
    "patients.PatientImportRow.patient": Rule(How.STAY),
    "patients.IntegrityFinding.patient": Rule(How.STAY),
}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """One fact of the identity of which one value stays, with the columns that go together."""

    name: str
    label: str | Promise
    columns: tuple[str, ...]


CHOICES: tuple[Choice, ...] = (
    Choice("full_name", _("Full name"), ("full_name", "title_prefix", "title_suffix")),
    Choice("nik", _("NIK"), ("nik",)),
    Choice("birth_date", _("Date of birth"), ("birth_date", "birth_accuracy", "birth_time")),
    Choice("birth_place", _("Place of birth"), ("birth_place",)),
    Choice("sex", _("Sex"), ("sex",)),
    Choice("mother_name", _("Mother's name"), ("mother_name", "mother_id")),
    Choice("phone", _("Phone"), ("phone",)),
    Choice("email", _("E-mail"), ("email",)),
    Choice("address", _("Address"), ("address",)),
    Choice("blood_type", _("Blood type"), ("blood_type", "rhesus")),
    Choice("guarantor", _("Guarantor"), ("guarantor",)),
    Choice("bpjs_number", _("BPJS card number"), ("bpjs_number",)),
    Choice("kind", _("Registered as"), ("kind",)),
    Choice("language", _("Language of letters and mails"), ("language",)),
    Choice("deceased_on", _("Died on"), ("deceased_on",)),
)
CHOICE_NAMES = frozenset(choice.name for choice in CHOICES)
# Columns of Patient that no choice is about, each with what becomes of it.
OTHER_COLUMNS = {
    "id": "stays",
    "record_number": "stays; the other one remains an alias",
    "user_id": "goes to the record that stays when it has no account in use",
    "nik_bidx": "follows the NIK",
    "nik_bidx_b": "follows the NIK",
    "phone_bidx": "follows the phone",
    "phone_bidx_b": "follows the phone",
    "allergy_status": "follows the allergies of both",
    "allergy_asked_at": "follows the allergies of both",
    "allergy_asked_by_id": "follows the allergies of both",
    "status": "the other one becomes merged",
    "photo_key": "follows the photo",
    "merged_into_id": "the other one leads to the record that stays",
    "archived_at": "stays",
    "archived_by_id": "stays",
    "archive_reason": "stays",
    "legal_hold": "held when one of the two was",
    "consented_at": "the earlier consent",
    "profile_completed_at": "filled when empty",
    "duplicate_reason": "stays",
    "registration_key": "stays",
    "version": "counts on both",
    "created_at": "stays",
    "created_by_id": "stays",
}

# Apps above ask to be heard before a merge: each is called with the two ids under the locks, and raises to refuse.
Check = Callable[[UUID, UUID], None]
_checks: list[Check] = []


def check_before_merge(check: Check) -> None:
    """Let an app above refuse merges; called once, when the app is ready."""
    if check not in _checks:
        _checks.append(check)


def run_checks(survivor_id: UUID, merged_id: UUID) -> None:
    """Ask every app whether the two records may be merged now.

    Raises: what a check raises, a `DomainError` with a sentence.
    """
    for check in _checks:
        check(survivor_id, merged_id)


def links() -> list[tuple[str, type[models.Model], models.Field[Any, Any]]]:
    """Return every foreign key to `Patient` in the project: its name in `RULES`, the model, the field."""
    found: list[tuple[str, type[models.Model], models.Field[Any, Any]]] = []
    for relation in Patient._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete and relation.is_relation:
            field = cast("models.ForeignKey[Any, Any]", relation.field)  # type: ignore[union-attr]
            found.append((f"{field.model._meta.label}.{field.name}", field.model, field))
    order = list(RULES)
    return sorted(found, key=lambda link: order.index(link[0]) if link[0] in RULES else len(order))


def rule_of(name: str) -> Rule:
    """Return the rule of one foreign key.

    Raises:
        LookupError: there is none: whoever adds a table with a patient decides here what a merge does with it.
    """
    if name not in RULES:
        raise LookupError(f"patients.merge_rules has no rule for {name}")
    return RULES[name]


def model_of(label: str) -> type[models.Model]:
    """Return the model of a label such as "scheduling.Visit"."""
    return apps.get_model(label)


def field_of(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    """Return a column of a model by its name or attribute."""
    return cast("models.Field[Any, Any]", model._meta.get_field(name))
