"""The nightly check of all records: what is looked for. Higher apps add their own checks in `AppConfig.ready`.

A check is cheap at a million patients: one statement that only finds what is wrong, or, where values must be opened to be
compared, some hundred rows a night in rotation. Nothing is mended here; each check says where that is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core import clock, files, keys_index
from jobs.models import Job
from patients.consents import is_intact
from patients.models import (
    Allergy,
    Consent,
    GuardianLink,
    Patient,
    PatientAddress,
    PatientDocument,
    PatientImage,
    PatientToken,
    PolicyCoverage,
    Region,
)
from patients.search import BLIND_COLUMNS, fill_blind_columns
from patients.services.missing_records import problems_of, without_record

FILES_A_NIGHT = 300
PATIENTS_A_NIGHT = 5000
CONSENTS_A_NIGHT = 1000
MOST = 500  # findings of one check that are kept; more have one cause


class Severity(models.TextChoices):
    """How soon somebody should look."""

    SERIOUS = "serious", _("Serious")
    WARNING = "warning", _("To be mended")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: which row, whose, and codes that say more. Never content."""

    subject: str
    patient_id: UUID | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass
class Looked:
    """What one run of a check saw."""

    faults: list[Fault]
    looked_at: int
    cursor: str = ""  # where a check in rotation goes on the next night


Find = Callable[[str, list[str]], Looked]


@dataclass(frozen=True)
class Check:
    """One kind of fault. `find(cursor, open_subjects)` looks; a rotating check looks at the open subjects again first."""

    name: str
    label: str | Promise
    advice: str | Promise
    severity: Severity
    find: Find
    url_name: str = ""  # where it is mended


_checks: dict[str, Check] = {}


def register(check: Check) -> None:
    """Add one check; called once for each when the apps are loaded.

    Raises:
        ValueError: the name is taken.
    """
    if check.name in _checks:
        raise ValueError(f"there is a check called {check.name} already")
    _checks[check.name] = check


def checks() -> list[Check]:
    """Return all checks in the order of their names."""
    return [_checks[name] for name in sorted(_checks)]


def get(name: str) -> Check | None:
    """Return the check of this name; None for one that this version of the product does not know."""
    return _checks.get(name)


def rows(
    label: str, queryset: QuerySet[Any], *, patient: str = "patient_id", total: Callable[[], int] | None = None
) -> Find:
    """Return a `find` for a query whose every row is a fault; `patient` names its column, "" when it has none."""

    def find(cursor: str, open_subjects: list[str]) -> Looked:
        columns = ["pk", patient] if patient else ["pk"]
        found = list(queryset.all().order_by("pk").values_list(*columns)[:MOST])
        looked_at = total() if total is not None else queryset.model._default_manager.count()
        return Looked([Fault(f"{label} {row[0]}", row[1] if patient else None) for row in found], looked_at)

    return find


def in_rotation(
    label: str, queryset: QuerySet[Any], *, size: int, faults_of: Callable[[Iterable[Any]], Iterator[Fault]]
) -> Find:
    """Return a `find` that looks at the open faults again and then at the next `size` rows, night after night."""

    def find(cursor: str, open_subjects: list[str]) -> Looked:
        again = [subject.rpartition(" ")[2] for subject in open_subjects]
        batch = list(queryset.filter(pk__gt=cursor).order_by("pk")[:size]) if cursor else []
        if len(batch) < size:  # at the end: from the beginning again
            batch += [row for row in queryset.order_by("pk")[: size - len(batch)] if row not in batch]
        old = list(queryset.filter(pk__in=again))
        seen = {row.pk for row in batch}
        looked = [*batch, *(row for row in old if row.pk not in seen)]
        return Looked(list(faults_of(looked)), len(looked), str(batch[-1].pk) if batch else "")

    find.__name__ = f"{label}_in_rotation"
    return find


# --- Checks of patients ---------------------------------------------------------------------------------------------


def _accounts_without_record(cursor: str, open_subjects: list[str]) -> Looked:
    accounts = User.objects.active().filter(kind=User.Kind.PATIENT).select_related("portal_registration", "patient")
    found = [account for account in without_record(accounts).order_by("pk")[:MOST] if problems_of(account)]
    faults = [Fault(f"account {account.pk}", None, {"missing": problems_of(account)}) for account in found]
    return Looked(faults, accounts.count())


def _blind_faults(patients: Iterable[Patient]) -> Iterator[Fault]:
    """Numbers whose search value is not what the number gives. The NIK of a merged record lies with the survivor."""
    index = keys_index.writing()
    for patient in patients:
        stored = [getattr(patient, name) for name in BLIND_COLUMNS]
        fill_blind_columns(patient, index=index)
        if stored != [getattr(patient, name) for name in BLIND_COLUMNS]:
            yield Fault(f"patient {patient.pk}", patient.pk)


def _file_faults(documents: Iterable[Any]) -> Iterator[Fault]:
    """Files that do not open, or whose bytes are not those that were kept."""
    for row in documents:
        try:
            is_whole = files.digest_of(files.read(row.file)) == row.file.digest
        except files.FileUnreadable:
            is_whole = False
        if not is_whole:
            yield Fault(f"{row._meta.model_name} {row.pk}", row.patient_id, {"file": str(row.file_id)})


def _consent_faults(consents: Iterable[Consent]) -> Iterator[Fault]:
    for consent in consents:
        if not is_intact(consent):
            yield Fault(f"consent {consent.pk}", consent.patient_id)


def _overdue_links(cursor: str, open_subjects: list[str]) -> Looked:
    """Links that ended by date and that nobody closed for two days. They give no access; the date decides that."""
    before = clock.today() - timedelta(days=2)
    links = GuardianLink.objects.active().only("id", "dependant_id", "status", "ends_on")
    found = [link for link in links.iterator() if link.ends_on is not None and link.ends_on < before]
    return Looked([Fault(f"guardianlink {link.pk}", link.dependant_id) for link in found[:MOST]], links.count())


def _allergy_states() -> QuerySet[Patient]:
    has_rows = Exists(Allergy.objects.filter(patient_id=OuterRef("pk"), status=Allergy.Status.ACTIVE))
    state = Patient.AllergyStatus
    # The allergies of a merged record hang on the one it went into.
    alive = Patient.objects.exclude(status=Patient.Status.MERGED)
    return alive.annotate(has_allergies=has_rows).filter(
        Q(allergy_status=state.KNOWN, has_allergies=False) | Q(~Q(allergy_status=state.KNOWN), has_allergies=True)
    )


def _two_primaries() -> QuerySet[Patient]:
    active = Q(coverages__status=PolicyCoverage.Status.ACTIVE, coverages__is_primary=True)
    return Patient.objects.annotate(primaries=Count("coverages", filter=active)).filter(primaries__gt=1)


def _broken_merges() -> QuerySet[Patient]:
    merged = Patient.Status.MERGED
    return Patient.objects.filter(
        Q(status=merged, merged_into__isnull=True)
        | Q(~Q(status=merged), merged_into__isnull=False)
        | Q(merged_into__status=merged)
    )


def register_own() -> None:
    """Add the checks of this app; called once."""
    alive = Patient.objects.exclude(status=Patient.Status.MERGED)
    no_tokens = alive.filter(~Exists(PatientToken.objects.filter(patient_id=OuterRef("pk"))))
    no_photo = Patient.objects.filter(photo_key__isnull=False).exclude(
        Exists(PatientImage.objects.filter(pk=OuterRef("photo_key"), patient_id=OuterRef("pk")))
    )
    unknown_village = PatientAddress.objects.exclude(village_code="").filter(
        ~Exists(Region.objects.filter(pk=OuterRef("village_code")))
    )
    stuck = Job.objects.filter(state=Job.State.RUNNING, lease_until__isnull=False)
    serious, warning = Severity.SERIOUS, Severity.WARNING
    ask = _("Ask whoever runs the system; the log of the worker says more.")
    reindex = _("Have the operator run: manage.py reindex_patients")
    for check in (
        Check("accounts_without_record", _("Portal accounts without a complete record"),
              _("Open the list and choose “Build again”."), serious, _accounts_without_record,
              "patients:missing-record-list"),
        Check("not_searchable", _("Patients that no search finds"), reindex, serious,
              rows("patient", no_tokens, patient="pk")),
        Check("search_numbers", _("Numbers that the search does not find"), reindex, serious,
              in_rotation("patient", alive.only("id", "nik", "phone", *BLIND_COLUMNS), size=PATIENTS_A_NIGHT,
                          faults_of=_blind_faults)),
        Check("broken_merges", _("Merged records that lead nowhere"),
              _("Undo the merge and do it again; if that is refused, ask whoever runs the system."), serious,
              rows("patient", _broken_merges(), patient="pk")),
        Check("photo_missing", _("Photos that are gone"), _("Take the photo again."), warning,
              rows("patient", no_photo, patient="pk")),
        Check("documents_unreadable", _("Documents that do not open"),
              _("Restore the file from the backup of the files, or mark the document as wrong and add it again."),
              serious, in_rotation("patientdocument", PatientDocument.objects.select_related("file"),
                                   size=FILES_A_NIGHT, faults_of=_file_faults)),
        Check("images_unreadable", _("Photos and identity cards that do not open"),
              _("Take the picture again, or restore the file from the backup of the files."), warning,
              in_rotation("patientimage", PatientImage.objects.select_related("file"), size=FILES_A_NIGHT,
                          faults_of=_file_faults)),
        Check("allergy_states", _("Allergies that contradict the state of the record"),
              _("Open the patient and ask about allergies again."), serious,
              rows("patient", _allergy_states(), patient="pk", total=Patient.objects.count)),
        Check("unknown_villages", _("Addresses with an unknown village code"),
              _("Import the list of regions again, or choose the village anew."), warning,
              rows("patientaddress", unknown_village)),
        Check("two_primary_policies", _("Patients with two policies that pay first"),
              _("Open the patient's policies and choose one."), warning,
              rows("patient", _two_primaries(), patient="pk", total=PolicyCoverage.objects.count)),
        Check("consents_changed", _("Consents that were changed after signing"),
              _("Do not rely on them. Compare with the paper or ask again, and tell the data protection officer."),
              serious, in_rotation("consent", Consent.objects.select_related("text"), size=CONSENTS_A_NIGHT,
                                   faults_of=_consent_faults)),
        Check("overdue_guardian_links", _("Guardian links past their end"), ask, warning, _overdue_links),
        Check("stuck_jobs", _("Background work that stands still"), ask, warning, _stuck(stuck)),
    ):  # fmt: skip
        register(check)


def _stuck(running: QuerySet[Job]) -> Find:
    def find(cursor: str, open_subjects: list[str]) -> Looked:
        before = clock.now() - timedelta(hours=1)
        found = list(running.filter(lease_until__lt=before).order_by("pk").values_list("pk", "patient_id")[:MOST])
        return Looked([Fault(f"job {pk}") for pk, _patient in found], running.count())

    return find
