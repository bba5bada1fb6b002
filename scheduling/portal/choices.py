"""What somebody has chosen on the way to a booking: a time, and further services beside that of the session.

It travels in addresses and hidden fields, and in a signed cookie through the sign-in. It names a slot and services and
says nothing about a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from core import clock
from core.ids import uuid_or_none
from scheduling.models import Service, Slot
from scheduling.services import services_of
from scheduling.services.lines import MAX_SERVICES, minutes_of

COOKIE = "emr_choice"
SALT = "scheduling.choice"
KEPT = timedelta(days=7)  # an account that is signed up for today is checked within a day or two
MOST_EXTRAS = MAX_SERVICES - 1


@dataclass(frozen=True)
class Choice:
    """A time, and the services it is for: that of the session first."""

    slot: Slot
    extras: tuple[Service, ...] = ()

    @property
    def services(self) -> tuple[Service, ...]:
        return (self.slot.session.service, *self.extras)

    @property
    def extra_ids(self) -> tuple[UUID, ...]:
        return tuple(service.pk for service in self.extras)

    @property
    def price_idr(self) -> int:
        return sum(service.price_idr for service in self.services)

    @property
    def minutes(self) -> int:
        """Minutes that a time must have for all of it; 0 for the session's own service, which fits by itself."""
        return minutes_of(self.services)

    @property
    def is_instant(self) -> bool:
        """True when the booking needs nobody's approval; the session's own service decides."""
        return self.slot.session.service.booking_mode == Service.BookingMode.INSTANT

    @property
    def plus(self) -> str:
        """The further services as the end of an address that begins with the slot."""
        return "".join(f"&plus={service.pk}" for service in self.extras)

    @property
    def query(self) -> str:
        """The whole choice for an address."""
        return urlencode([("slot", self.slot.pk), *(("plus", service.pk) for service in self.extras)])


def choice_of(request: HttpRequest) -> Choice | None:
    """Return what the form or the address chooses, when the clinic offers it. Further services it does not are left out."""
    chosen = request.POST if request.POST.get("slot") else request.GET
    return _choice(chosen.get("slot", ""), chosen.getlist("plus"))


def extras_of(slot: Slot) -> list[Service]:
    """Return the services that may be added to the session's own, in the order of the price list."""
    return [service for service in services_of(slot.session.doctor) if service.pk != slot.session.service_id]


def keep(response: HttpResponse, choice: Choice) -> None:
    """Let the browser remember the choice until the person has signed in."""
    value = "|".join(str(one) for one in (choice.slot.pk, *choice.extra_ids))
    response.set_signed_cookie(
        COOKIE, value, salt=SALT, max_age=KEPT, path="/portal/", samesite="Lax", httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip


def kept(request: HttpRequest) -> Choice | None:
    """Return the choice made before signing in while its time is still ahead. No query without the cookie."""
    value = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=KEPT) or ""
    slot_id, *plus = value.split("|")
    choice = _choice(slot_id, plus)
    return choice if choice is not None and choice.slot.starts_at > clock.now() else None


def forget(response: HttpResponse) -> None:
    """Take the remembered choice back."""
    response.delete_cookie(COOKIE, path="/portal/", samesite="Lax")


def goes_on_at(choice: Choice) -> str:
    """Return the address where a booking goes on with this choice."""
    return f"{reverse('scheduling:portal-book-complaint')}?{choice.query}"


def _choice(slot_id: str, plus: Iterable[str]) -> Choice | None:
    key = uuid_or_none(slot_id)
    if key is None:
        return None
    slots = Slot.objects.offered().select_related(
        "session__doctor__staff_profile", "session__service", "session__station"
    )
    slot = slots.filter(pk=key).first()
    if slot is None:
        return None
    wanted = [found for found in map(uuid_or_none, list(plus)[:MOST_EXTRAS]) if found is not None]
    if not wanted:
        return Choice(slot)
    return Choice(slot, tuple(service for service in extras_of(slot) if service.pk in wanted))
