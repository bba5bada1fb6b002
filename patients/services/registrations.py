"""Portal sign-ups: they wait until an admin connects them with a patient record or rejects them."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from accounts.access import Capability, Role
from accounts.models import RoleAssignment, User
from core import clock, live
from core.db import retry_transaction
from core.ids import uuid7
from notifications.services import notify, notify_capability, queue_email
from patients import identity
from patients.errors import EmailTaken, RecordNotConnectable, RegistrationDecided
from patients.models import Patient, PortalRegistration
from patients.services.duplicates import BIRTH, NAME, NIK, find_duplicates
from patients.services.identity import fill_blanks, register_patient, require_reason


@retry_transaction
def submit_registration(
    *,
    full_name: str,
    birth_date: date,
    sex: str,
    phone: str,
    email: str,
    password: str,
    nik: str | None = None,
    language: str = "id",
) -> PortalRegistration:
    """Make an account that cannot sign in yet, and put it before the people who activate patients.

    The password was checked against the rules by the form. Somebody who was rejected may apply again with the same
    address; an account that waits or works is never touched.

    Raises:
        InvalidPatientData: a value cannot be.
        EmailTaken: the address has an account. Callers must answer as if it had not.
    """
    fields = identity.clean(full_name=full_name, birth_date=birth_date, sex=sex, phone=phone, nik=nik)
    address = identity.clean(email=email)["email"]
    secret = make_password(password)  # before looking: a taken address must not answer faster
    user = User.objects.filter(email=address).first()
    if user is None:
        user = _make_user(address, fields["full_name"], secret, language)
        registration = PortalRegistration(user=user)
    else:
        registration = _lock_rejected(user)
        user.full_name, user.password, user.language = fields["full_name"], secret, language
        user.save(update_fields=["full_name", "password", "language"])
    for name, value in fields.items():
        setattr(registration, name, value)
    registration.status, registration.reason = PortalRegistration.Status.PENDING, ""
    registration.created_at, registration.decided_at, registration.decided_by = clock.now(), None, None
    registration.save()
    audit.record("patients.registration.submitted", actor=user, target=registration)
    notify_capability(
        Capability.ACTIVATE_PATIENTS,
        kind="registration_waiting",
        path=reverse("patients:registration-detail", args=[registration.pk]),
    )
    queue_email(
        template="registration_received",
        to=address,
        language=language,
        context={"name": registration.full_name},
        dedupe_key=f"registration-received:{registration.pk}:{registration.created_at.isoformat()}",
        recipient_user=user,
    )
    live.changed(live.ACCOUNTS)
    return registration


@retry_transaction
def activate_registration(*, registration_id: UUID, actor: Any, existing_patient_id: UUID | None = None) -> Patient:
    """Open the account: with a new patient record, or connected with a known one that has no account. Once.

    Only a record with the same NIK, or a similar name and the same birth date, can be connected: a shared telephone
    number is a family, not a person.

    Raises:
        RegistrationDecided: it was activated or rejected before.
        RecordNotConnectable: the chosen record does not match, is archived, or has an account.
        DuplicateNik: another record has the NIK.
    """
    registration = _lock_pending(registration_id)
    user = User.objects.select_for_update().get(pk=registration.user_id)
    if existing_patient_id is None:
        patient = _register(registration, user, actor)
    else:
        patient = _connect(registration, user, actor, existing_patient_id)
    user.is_active, user.deactivated_at = True, None
    user.save(update_fields=["is_active", "deactivated_at"])
    registration.patient, registration.made_record = patient, existing_patient_id is None
    _decide(registration, PortalRegistration.Status.ACTIVATED, actor)
    audit.record(
        "patients.registration.activated",
        actor=actor,
        patient=patient.pk,
        target=registration,
        detail={"made_record": registration.made_record, "record_number": patient.record_number},
    )
    notify(recipients=[user], kind="account_activated", params={"record_number": patient.record_number})
    queue_email(
        template="account_activated",
        to=user.email,
        language=user.language,
        context={"name": patient.full_name, "record_number": patient.record_number},
        dedupe_key=f"account-activated:{registration.pk}",
        patient_id=patient.pk,
        recipient_user=user,
    )
    live.changed(live.ACCOUNTS, user_ids=(user.pk,))
    return patient


@retry_transaction
def reject_registration(*, registration_id: UUID, actor: Any, reason: str) -> PortalRegistration:
    """Refuse a sign-up; the account stays closed and the person is told the reason by mail.

    Raises:
        ReasonMissing: no reason was given.
        RegistrationDecided: it was activated or rejected before.
    """
    why = require_reason(reason, _("Write the reason; the person who signed up will read it."))
    registration = _lock_pending(registration_id)
    registration.reason = why
    _decide(registration, PortalRegistration.Status.REJECTED, actor)
    audit.record("patients.registration.rejected", actor=actor, target=registration)
    queue_email(
        template="registration_rejected",
        to=registration.user.email,
        language=registration.user.language,
        context={"name": registration.full_name, "reason": why},
        dedupe_key=f"registration-rejected:{registration.pk}:{registration.created_at.isoformat()}",
        recipient_user=registration.user,
    )
    live.changed(live.ACCOUNTS)
    return registration


def connectable(patients: list[Patient]) -> list[Patient]:
    """Return those of `find_duplicates` that an account may be connected with."""
    return [
        patient
        for patient in patients
        if patient.user_id is None
        and patient.status == Patient.Status.ACTIVE
        and (NIK in patient.signs or {NAME, BIRTH} <= set(patient.signs))
    ]


def candidates(registration: PortalRegistration, *, user: Any) -> list[Patient]:
    """Return records that may be the person who signed up, as `find_duplicates`."""
    return find_duplicates(
        user=user,
        full_name=registration.full_name,
        birth_date=registration.birth_date,
        nik=registration.nik,
        phone=registration.phone,
    )


def _make_user(address: str, full_name: str, secret: str, language: str) -> User:
    pk = uuid7()
    user = User(
        pk=pk,
        username=f"p{pk.hex}",
        email=address,
        full_name=full_name,
        kind=User.Kind.PATIENT,
        is_active=False,
        language=language,
        password=secret,
    )
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise EmailTaken(_("This e-mail address has an account.")) from error
    RoleAssignment.objects.create(user=user, role=Role.PATIENT)
    return user


def _lock_rejected(user: User) -> PortalRegistration:
    """Return the rejected registration of an account that never worked.

    Raises:
        EmailTaken: the account waits, works or worked, or is not a patient's.
    """
    registration = PortalRegistration.objects.select_for_update().filter(user_id=user.pk).first()
    if registration is None or user.is_active or registration.status != PortalRegistration.Status.REJECTED:
        raise EmailTaken(_("This e-mail address has an account."))
    return registration


def _lock_pending(registration_id: UUID) -> PortalRegistration:
    registration = PortalRegistration.objects.select_for_update().get(pk=registration_id)
    if registration.status != PortalRegistration.Status.PENDING:
        raise RegistrationDecided(
            _("This registration was decided before: %(status)s.") % {"status": registration.get_status_display()}
        )
    return registration


def _register(registration: PortalRegistration, user: User, actor: Any) -> Patient:
    return register_patient(
        actor=actor,
        full_name=registration.full_name,
        birth_date=registration.birth_date,
        sex=registration.sex,
        nik=registration.nik,
        phone=registration.phone,
        email=user.email,
        language=user.language,
        user=user,
    )


def _connect(registration: PortalRegistration, user: User, actor: Any, patient_id: UUID) -> Patient:
    patient = Patient.objects.select_for_update().filter(pk=patient_id).first()
    possible = {found.pk for found in connectable(candidates(registration, user=actor))}
    if patient is None or patient.pk not in possible or patient.user_id is not None:
        raise RecordNotConnectable(
            _(
                "This record cannot be connected: it has an account already or belongs to somebody else. Reload and choose again."
            )
        )
    patient.user = user
    patient.save(update_fields=["user"])
    changed = fill_blanks(patient, nik=registration.nik, phone=registration.phone, email=user.email)
    audit.record(
        "patients.patient.connected",
        actor=actor,
        patient=patient.pk,
        target=patient,
        detail={"filled": sorted(changed)},
    )
    return patient


def _decide(registration: PortalRegistration, status: PortalRegistration.Status, actor: Any) -> None:
    registration.status, registration.decided_at, registration.decided_by = status, clock.now(), actor
    registration.save(update_fields=["status", "reason", "decided_at", "decided_by", "patient", "made_record"])
