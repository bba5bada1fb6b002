"""What erasing takes out of a record, part by part, and what stays on which ground. The act is `patients.services.erasure`.

Source: UU 27/2022 articles 43 and 44 (erasing and destroying), which leave what another law demands to be kept: PMK 24/2022
article 39 (medical records, 25 years) and UU KUP article 28(11) (books, 10 years).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

import jobs.services
from accounts.models import User
from accounts.services.erasing import erase_account
from audit.models import AuditEvent
from core import clock, files
from core.models import StoredFile
from jobs.models import Job
from notifications import erasing as outbox
from patients.merge_rules import links, rule_of
from patients.models import (
    Consent,
    DataRequest,
    Erasure,
    GuardianLink,
    Patient,
    PatientAddress,
    PatientContact,
    PatientDemographics,
    PatientDocument,
    PatientIdentifier,
    PatientImage,
    PatientImportRow,
    PatientMerge,
    PolicyCoverage,
    PortalRegistration,
    RegistrationDraft,
)
from patients.services import guardians, retention

BOOKS_YEARS = 10  # UU KUP article 28(11), from the end of the year; to be confirmed by the clinic's tax adviser
BILLS = "billing.Invoice.patient"
SOCIAL = ("occupation_text", "ethnicity", "spoken_languages")  # PMK 24/2022 article 14 names the other four
NUMBERS = (PatientIdentifier.Kind.FAMILY_CARD, PatientIdentifier.Kind.OTHER)
CORRECTED = frozenset({"phone", "email", "social.home_phone", *(f"social.{name}" for name in SOCIAL)})


@dataclass
class Subject:
    """The person: the record, the ones merged into it, and the portal accounts of all."""

    patient: Patient
    aliases: list[Patient]
    users: list[User]
    since: datetime = field(default_factory=clock.now)

    @property
    def patients(self) -> list[Patient]:
        return [self.patient, *self.aliases]

    @property
    def ids(self) -> list[UUID]:
        return [patient.pk for patient in self.patients]

    @property
    def user_ids(self) -> list[UUID]:
        return [user.pk for user in self.users]

    @property
    def has_bills(self) -> bool:
        return any(_count(name, self.ids) for name in (BILLS,))


@dataclass(frozen=True)
class Part:
    """One kind of data that goes: how many there are now, and how they are removed under the locks."""

    code: str
    label: str | Promise
    count: Callable[[Subject], int]
    remove: Callable[[Subject, Any], None]


@dataclass(frozen=True)
class Line:
    """One line of the preview or the certificate."""

    code: str
    label: str
    count: int
    ground: str = ""
    until: date | None = None


# --- what goes


def _save(patient: Patient, **values: Any) -> None:
    for name, value in values.items():
        setattr(patient, name, value)
    patient.save(update_fields=list(values))


def _with(subject: Subject, name: str) -> list[Patient]:
    return [patient for patient in subject.patients if getattr(patient, name)]


def _remove_email(subject: Subject, actor: Any) -> None:
    for patient in _with(subject, "email"):
        _save(patient, email="")


def _remove_account(subject: Subject, actor: Any) -> None:
    for user in subject.users:
        erase_account(user, actor=actor)
    for patient in subject.patients:
        if patient.user_id in subject.user_ids:
            _save(patient, user=None)


def _registrations(subject: Subject) -> QuerySet[PortalRegistration]:
    return PortalRegistration.objects.filter(Q(user__in=subject.user_ids) | Q(patient__in=subject.ids))


def _links(subject: Subject) -> list[GuardianLink]:
    of_person = Q(guardian__in=subject.user_ids) | Q(dependant__in=subject.ids)
    open_ones = (GuardianLink.Status.ACTIVE, GuardianLink.Status.REQUESTED)
    return [
        link
        for link in GuardianLink.objects.filter(of_person).select_related("guardian", "dependant").order_by("pk")
        if link.status in open_ones or link.asked_name or link.asked_birth_date or link.proof_note
    ]


def _remove_links(subject: Subject, actor: Any) -> None:
    known = {
        patient.pk: patient for patient in subject.patients
    }  # without account and address: nothing is mailed there
    for link in _links(subject):
        dependant = known.get(link.dependant_id, link.dependant) if link.dependant_id else None
        guardians.end_for_erasure(link, dependant, actor=actor, erased=set(subject.user_ids))


def _images(kind: str) -> Callable[[Subject], QuerySet[PatientImage]]:
    return lambda subject: PatientImage.objects.filter(patient__in=subject.ids, kind=kind)


def _remove_photo(subject: Subject, actor: Any) -> None:
    _remove_files(_images(PatientImage.Kind.PHOTO)(subject))
    for patient in _with(subject, "photo_key"):
        _save(patient, photo_key=None)


def _papers(subject: Subject) -> QuerySet[PatientDocument]:
    kinds = [PatientDocument.Category.IDENTITY]
    if not subject.has_bills:
        kinds.append(PatientDocument.Category.INSURANCE)
    evidence = [
        *Consent.objects.filter(patient__in=subject.ids, scan__isnull=False).values_list("scan", flat=True),
        *DataRequest.objects.filter(patient__in=subject.ids, evidence__isnull=False).values_list("evidence", flat=True),
    ]
    return PatientDocument.objects.filter(patient__in=subject.ids, category__in=kinds).exclude(pk__in=evidence)


def _remove_files(rows: QuerySet[Any]) -> None:
    found = [pk for pair in rows.values_list("file_id", "thumbnail_id") for pk in pair if pk]
    rows.delete()  # first: its keys protect the files
    for stored in StoredFile.objects.filter(pk__in=found):
        files.remove(stored)


def _social(subject: Subject) -> list[PatientDemographics]:
    with_nik = {patient.pk for patient in subject.patients if patient.nik}
    return [
        row
        for row in PatientDemographics.objects.filter(patient__in=subject.ids)
        if any(getattr(row, name) for name in SOCIAL) or (row.mother_nik and row.pk in with_nik)
    ]


def _remove_social(subject: Subject, actor: Any) -> None:
    with_nik = {patient.pk for patient in subject.patients if patient.nik}
    for row in _social(subject):
        names = [*SOCIAL, *(["mother_nik"] if row.pk in with_nik else [])]  # without a NIK it tells whose child this is
        for name in names:
            setattr(row, name, "")
        row.save(update_fields=names)


def _home_phones(subject: Subject) -> list[PatientDemographics]:
    return [row for row in PatientDemographics.objects.filter(patient__in=subject.ids) if row.home_phone]


def _remove_phones(subject: Subject, actor: Any) -> None:
    for patient in _with(subject, "phone"):
        _save(patient, phone=None)
    for row in _home_phones(subject):
        row.home_phone = ""
        row.save(update_fields=["home_phone"])


def _numbers(subject: Subject) -> QuerySet[PatientIdentifier]:
    return PatientIdentifier.objects.filter(patient__in=subject.ids, kind__in=NUMBERS)


def _count_policies(subject: Subject) -> int:
    if subject.has_bills:
        return 0
    rows = PolicyCoverage.objects.filter(patient__in=subject.ids).count()
    return rows + len(_with(subject, "bpjs_number"))


def _remove_policies(subject: Subject, actor: Any) -> None:
    PolicyCoverage.objects.filter(patient__in=subject.ids).delete()
    for patient in _with(subject, "bpjs_number"):
        _save(patient, bpjs_number="")


def _drafts(subject: Subject) -> list[RegistrationDraft]:
    """Drafts of registrations that are about the person: the same NIK, or the same name with the same telephone."""
    return [draft for draft in RegistrationDraft.objects.all() if _is_about(draft.fields, subject.patients)]


def _is_about(fields: dict[str, Any], patients: list[Patient]) -> bool:
    words = {str(value).strip().casefold() for value in fields.values()}
    digits = {"".join(filter(str.isdigit, word))[-9:] for word in words}
    return any(
        (patient.nik and patient.nik in words)
        or (patient.full_name.casefold() in words and patient.phone and patient.phone[-9:] in digits)
        for patient in patients
    )


def _import_rows(subject: Subject) -> QuerySet[PatientImportRow]:
    return PatientImportRow.objects.filter(patient__in=subject.ids, messages__isnull=False)


def _remove_drafts(subject: Subject, actor: Any) -> None:
    for draft in _drafts(subject):
        draft.delete()
    _import_rows(subject).update(messages=None)


def _corrections(subject: Subject) -> list[DataRequest]:
    """Answered corrections that still say what an erased fact was."""
    asked = DataRequest.objects.filter(patient__in=subject.ids, kind=DataRequest.Kind.CORRECTION)
    return [row for row in asked if any(_tells(change) for change in row.facts.get("changes", []))]


def _tells(change: dict[str, str]) -> bool:
    is_erased = change["name"] in CORRECTED or change["name"].startswith("contact.")
    return is_erased and bool(change["before"] or change["after"])


def _remove_corrections(subject: Subject, actor: Any) -> None:
    for row in _corrections(subject):
        changes = row.facts["changes"]
        emptied = [{**change, "before": "", "after": ""} if _tells(change) else change for change in changes]
        row.facts = {**row.facts, "changes": emptied}
        row.save(update_fields=["facts"])


def _merges(subject: Subject) -> list[PatientMerge]:
    rows = PatientMerge.objects.filter(Q(survivor__in=subject.ids) | Q(merged__in=subject.ids))
    return [merge for merge in rows if not merge.journal.get("erased")]


def _remove_journals(subject: Subject, actor: Any) -> None:
    for merge in _merges(subject):
        merge.journal = {"format": 1, "moves": [], "changes": [], "created": [], "erased": True}
        merge.save(update_fields=["journal"])


def _results(subject: Subject) -> QuerySet[Job]:
    return Job.objects.filter(patient_id__in=subject.ids, expires_at__isnull=False)


def _remove_results(subject: Subject, actor: Any) -> None:
    for patient_id in subject.ids:
        jobs.services.remove_results_of(patient_id)


def _count_messages(subject: Subject) -> int:
    mails = outbox.mails_of(patient_ids=subject.ids, user_ids=subject.user_ids, before=subject.since).count()
    return mails + outbox.notices_of(subject.user_ids).count()


def _remove_messages(subject: Subject, actor: Any) -> None:
    outbox.forget(patient_ids=subject.ids, user_ids=subject.user_ids, before=subject.since)


def _rows(find: Callable[[Subject], QuerySet[Any]]) -> Any:
    """Return how to count and to delete whole rows."""
    return (lambda subject: find(subject).count()), (lambda subject, _actor: find(subject).delete() and None)


def _of_record(model: Any, **narrow: Any) -> Any:
    return _rows(lambda subject: model.objects.filter(patient__in=subject.ids, **narrow))


# In the order in which they go: drafts while name and telephone tell whose they are, then account and addresses, so that
# nothing is sent to them by what follows.
_parts: list[Part] = [
    Part("drafts", gettext_lazy("Unfinished registrations and notes of imports"),
         lambda subject: len(_drafts(subject)) + _import_rows(subject).count(), _remove_drafts),
    Part("email", gettext_lazy("E-mail address"), lambda subject: len(_with(subject, "email")),
         _remove_email),
    Part("account", gettext_lazy("Portal account with its name, password, devices and sessions"),
         lambda subject: len(subject.users), _remove_account),
    Part("registration", gettext_lazy("What was written when signing up for the portal"), *_rows(_registrations)),
    Part("guardians", gettext_lazy("Access of guardians, and what was written about them"),
         lambda subject: len(_links(subject)), _remove_links),
    Part("photo", gettext_lazy("Photo"), lambda subject: _images(PatientImage.Kind.PHOTO)(subject).count(), _remove_photo),
    Part("card", gettext_lazy("Picture of the identity card"),
         lambda subject: _images(PatientImage.Kind.KTP)(subject).count(),
         lambda subject, _actor: _remove_files(_images(PatientImage.Kind.KTP)(subject))),
    Part("papers", gettext_lazy("Copies of identity papers and insurance cards"), lambda subject: _papers(subject).count(),
         lambda subject, _actor: _remove_files(_papers(subject))),
    Part("phone", gettext_lazy("Telephone numbers"),
         lambda subject: len(_with(subject, "phone")) + len(_home_phones(subject)), _remove_phones),
    Part("contacts", gettext_lazy("People to call, or who answer for the patient"), *_of_record(PatientContact)),
    Part("domicile", gettext_lazy("Where the patient lives"),
         *_of_record(PatientAddress, use=PatientAddress.Use.DOMICILE)),
    Part("social", gettext_lazy("Social data that the law does not ask for: ethnic group, languages, work in own words"),
         lambda subject: len(_social(subject)), _remove_social),
    Part("numbers", gettext_lazy("Family card and other numbers"), *_rows(_numbers)),
    Part("policies", gettext_lazy("Insurance policies and BPJS number, since no bill needs them"),
         _count_policies, _remove_policies),
    Part("corrections", gettext_lazy("Old values in answered corrections"),
         lambda subject: len(_corrections(subject)), _remove_corrections),
    Part("merges", gettext_lazy("Values of the record before records were merged"),
         lambda subject: len(_merges(subject)), _remove_journals),
    Part("files", gettext_lazy("Files made for exports and copies"), lambda subject: _results(subject).count(),
         _remove_results),
    Part("messages", gettext_lazy("Mails and notices"), _count_messages, _remove_messages),
]  # fmt: skip


def erase_with(part: Part) -> None:
    """Let an app above remove what it knows of the person's account; called once, when the app is ready."""
    if all(known.code != part.code for known in _parts):
        _parts.append(part)


def parts() -> list[Part]:
    """Return everything that goes, in order."""
    return list(_parts)


# --- what stays

GROUNDS: dict[str, str | Promise] = {
    "identity": gettext_lazy(
        "Whose record it is must stay known: PMK 24/2022 articles 14 and 39, at least 25 years after the last visit."
    ),
    "record": gettext_lazy(
        "Medical record: PMK 24/2022 article 39, at least 25 years after the last visit. Law 27/2022 does not end this duty."
    ),
    "books": gettext_lazy("Books of the clinic: Law on Tax Procedures (UU KUP) article 28(11), 10 years."),
    "proof": gettext_lazy(
        "Proof of what was agreed, asked and allowed, while claims are possible: Law 27/2022 articles 24 and 31."
    ),
    "audit": gettext_lazy("Who opened and changed the record: PMK 24/2022 article 29 and Law 27/2022 article 31."),
}
# Every foreign key to `Patient`: on which ground its rows stay, or "" for rows that go or tell nothing of the person.
KEPT: dict[str, str] = {
    "scheduling.Visit.patient": "record",
    "scheduling.Appointment.patient": "record",
    "scheduling.WaitlistEntry.patient": "",  # wishes for a time; the bookings they led to stay
    "scheduling.ReminderPreference.patient": "",
    "consultations.Note.patient": "record",
    "consultations.VitalSigns.patient": "record",
    "consultations.Diagnosis.patient": "record",
    "pharmacy.Prescription.patient": "record",
    BILLS: "books",
    "patients.Allergy.patient": "record",
    "patients.HistoryEntry.patient": "record",
    "patients.HistorySection.patient": "",  # that somebody asked; counted with the entries
    "patients.PregnancyStatus.patient": "record",
    "patients.BloodTyping.patient": "record",
    "patients.PatientDocument.patient": "record",  # without those of `_papers`
    "patients.Patient.mother": "record",
    "patients.PolicyCoverage.patient": "books",  # only with bills
    "patients.Consent.patient": "proof",
    "patients.DataRequest.patient": "proof",
    "patients.EmergencyAccess.patient": "proof",
    "patients.GuardianLink.dependant": "proof",
    "patients.ProcessingLimit.patient": "",  # is about what may be done, not about the person
    "patients.Erasure.patient": "",
    "patients.AffectedPatient.patient": "",
    "patients.CareTeamMember.patient": "",
    "patients.RetentionProposal.patient": "",
    "patients.PatientImage.patient": "",
    "patients.PatientAddress.patient": "",  # the address of the identity card belongs to the identity
    "patients.PatientContact.patient": "",
    "patients.PatientIdentifier.patient": "",  # passport, stay permit, old numbers belong to the identity
    "patients.PatientDemographics.patient": "",
    "patients.PortalRegistration.patient": "",
    "patients.PatientToken.patient": "",
    "patients.DuplicatePair.first": "",
    "patients.DuplicatePair.second": "",
    "patients.Patient.merged_into": "",
    "patients.PatientMerge.survivor": "",
    "patients.PatientMerge.merged": "",
    "patients.PatientImportRow.patient": "",
    "patients.IntegrityFinding.patient": "",
}


def _count(name: str, ids: Iterable[UUID]) -> int:
    label, column = name.rsplit(".", 1)
    return int(apps.get_model(label)._base_manager.filter(**{f"{column}__in": list(ids)}).count())


def to_remove(subject: Subject) -> list[Line]:
    """Return what would go now."""
    return [Line(part.code, str(part.label), count) for part in _parts if (count := part.count(subject))]


def to_keep(subject: Subject) -> list[Line]:
    """Return what stays, the ground of each, and the first day on which it need not be kept."""
    used = max(retention.last_used_on(patient) for patient in subject.patients)
    until = {
        "record": retention.due_on(subject.patient, used),
        "books": date(used.year + BOOKS_YEARS + 1, 1, 1),
    }
    until["identity"] = until["record"]
    found = [("identity", len(subject.patients), "identity")]
    gone = {"patients.PatientDocument.patient": _papers(subject).count()}
    for name, _model, _field in links():
        ground = KEPT.get(name, "record")
        if not ground or (name == "patients.PolicyCoverage.patient" and not subject.has_bills):
            continue
        if count := _count(name, subject.ids) - gone.get(name, 0):
            found.append((name, count, ground))
    found.append(("audit", AuditEvent.objects.filter(patient_id__in=subject.ids).count(), "audit"))
    order = list(GROUNDS)
    found.sort(key=lambda line: order.index(line[2]))
    return [Line(code, kept_words(code, count), count, ground, until.get(ground)) for code, count, ground in found]


def by_ground(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Return lines of what stays by their ground, in the order of the grounds."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.ground, []).append(line)
    return found


def removed_words(code: str) -> str:
    """Return the words of a part by its code, as the certificate says it."""
    return next((str(part.label) for part in _parts if part.code == code), code)


def kept_words(code: str, count: int) -> str:
    """Return what stays, in words."""
    if code == "identity":
        return _("Identity: name, NIK, birth, sex, mother's name, record number, address of the identity card")
    if code == "audit":
        return _("Audit log")
    words = rule_of(code).words
    return str(words % {"count": count}) if words else code


def certified(erasure: Erasure) -> tuple[list[Line], list[Line]]:
    """Return what a certificate says went and stays, in the present language. No statement."""
    gone = [Line(row["code"], removed_words(row["code"]), row["count"]) for row in erasure.removed]
    kept = [
        Line(row["code"], kept_words(row["code"], row["count"]), row["count"], row["ground"],
             date.fromisoformat(row["until"]) if row["until"] else None)
        for row in erasure.kept
    ]  # fmt: skip
    return gone, kept


def last_erasure(patient: Patient) -> datetime | None:
    """Return when parts of this record were erased last. No statement for records in use that have a telephone number."""
    if patient.status == Patient.Status.ACTIVE and patient.phone:
        return None
    return Erasure.objects.filter(patient=patient).order_by("-pk").values_list("erased_at", flat=True).first()
