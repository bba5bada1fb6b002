"""What the clinic offers: services, who gives them, and for how much."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

import audit
from accounts.models import User
from core.db import retry_transaction
from core.errors import InvalidInput
from scheduling.errors import ServiceNotOffered
from scheduling.models import Service


def services_of(doctor: User) -> QuerySet[Service]:
    """Return the active services that a doctor gives: those that name the doctor, and those of the specialty that name
    nobody. Fails closed for who is no doctor."""
    profile = getattr(doctor, "staff_profile", None)
    if profile is None or not profile.specialty:
        return Service.objects.none()
    everybody = Q(doctors=None, specialty=profile.specialty)
    return Service.objects.filter(Q(doctors=doctor) | everybody, is_active=True).distinct().order_by("code")


def offers(doctor: User, service: Service) -> bool:
    """True when the doctor gives this service at this moment. One query."""
    return services_of(doctor).filter(pk=service.pk).exists()


def offered_service(*, service_id: UUID, doctor_id: UUID) -> Service:
    """Return an active service that the doctor gives.

    Raises:
        ServiceNotOffered: the service is closed, others give it, or the doctor is not active and verified.
    """
    doctor = User.objects.doctors().filter(pk=doctor_id).first()
    service = services_of(doctor).filter(pk=service_id).first() if doctor is not None else None
    if service is None:
        raise ServiceNotOffered(_("This doctor does not offer that service. Choose a service from the list."))
    return service


@retry_transaction
def save_service(*, service_id: UUID | None, actor: User, doctors: Iterable[User], **values: Any) -> Service:
    """Add a service, or change one. A new price or duration counts for bookings from now on; what was booked keeps its own.

    No doctor named: every doctor of the specialty gives it.

    Raises:
        Service.DoesNotExist: there is no such service.
        InvalidInput: another one has the code.
    """
    service = Service.objects.select_for_update().get(pk=service_id) if service_id else Service()
    was = {"price_idr": service.price_idr, "duration_minutes": service.duration_minutes} if service_id else {}
    for name, value in values.items():
        setattr(service, name, value)
    try:
        with transaction.atomic():
            service.save()
    except IntegrityError as error:
        raise InvalidInput(_("There is already a service with this code.")) from error
    service.doctors.set(doctors)
    audit.record(
        "scheduling.service.saved", actor=actor, target=service,
        detail={
            "code": service.code, "price_idr": service.price_idr, "duration_minutes": service.duration_minutes,
            "active": service.is_active, "was": was,
        },
    )  # fmt: skip
    return service


def all_services() -> list[Service]:
    """Return every service, closed ones too, with the doctors it names. Three queries."""
    named = User.objects.doctors().select_related("staff_profile")
    return list(Service.objects.prefetch_related(Prefetch("doctors", queryset=named)))
