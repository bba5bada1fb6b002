"""Times that anyone may see before signing in: doctors, services and free times, and nothing about patients.

What the pages show is read once a minute for everybody, however many look; a time that was taken meanwhile is found at the
next step. The choice goes on through the sign-in, and stays with the browser for a sign-up that has to be checked first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import Capability, has_capability
from accounts.guards import public
from accounts.limits import is_too_often
from accounts.models import Specialty, User
from core import clock
from core.errors import TooManyRequests
from scheduling import querysets
from scheduling.models import Service, Slot
from scheduling.portal import choices

SHOWN_SECONDS = 60  # how old what these pages show may be
LOOKS, LOOKS_SECONDS = 120, 60  # pages in a minute from one address; a waiting room shares one

T = TypeVar("T")
View = Callable[[HttpRequest], HttpResponse]


@dataclass(frozen=True)
class Practice:
    """A doctor with a service, in words: what is kept for a minute holds no row of an account."""

    doctor: str
    full_name: str
    specialty: str
    service_id: UUID
    service: str
    price_idr: int
    minutes: int


@dataclass(frozen=True)
class ShownOffer:
    """One line of the list: who, what, and the next free time."""

    practice: Practice
    slot_id: UUID
    starts_at: datetime
    free_count: int


@dataclass(frozen=True)
class ShownTime:
    pk: UUID
    starts_at: datetime


@dataclass(frozen=True)
class ShownPart:
    label: str | Promise
    slots: list[ShownTime]


@dataclass(frozen=True)
class ShownTimes:
    """The free times of one doctor and service."""

    days: list[querysets.FreeDay]
    parts: list[ShownPart]
    day: date


def _open_page(view: View) -> View:
    """Mark a page for strangers: at most `LOOKS` a minute, kept by the browser for a minute, to the booking for patients.

    Raises:
        TooManyRequests: this address looked too often.
    """

    @public
    @require_safe
    @functools.wraps(view)
    def shown(request: HttpRequest) -> HttpResponse:
        if has_capability(request.user, Capability.USE_PORTAL):
            choice = choices.choice_of(request)
            return redirect(choices.goes_on_at(choice) if choice is not None else reverse("scheduling:portal-book"))
        if is_too_often(request, "schedule", limit=LOOKS, seconds=LOOKS_SECONDS):
            sentence = _("You looked at many pages within a minute. Wait a moment and try again.")
            raise TooManyRequests(sentence, retry_after_seconds=LOOKS_SECONDS)
        return view(request)

    return shown


@_open_page
def schedule(request: HttpRequest) -> HttpResponse:
    """Doctors and services with their next free time."""
    found = _for_a_minute("offers", _offers)
    names = sorted({one.practice.specialty for one in found})
    wanted = request.GET.get("specialty", "")
    wanted = wanted if wanted in names else ""
    context = {
        "offers": [one for one in found if wanted in ("", one.practice.specialty)],
        "specialties": [(name, Specialty(name).label) for name in names],
        "wanted": wanted,
    }
    return _kept(render(request, "scheduling/portal_schedule.html", context))


@_open_page
def schedule_times(request: HttpRequest) -> HttpResponse:
    """The free times of the doctor and service that `?slot=` stands for."""
    choice = choices.choice_of(request)
    if choice is None:
        return redirect("scheduling:public-schedule")
    slot = choice.slot
    day = clock.local(slot.starts_at).date()
    name = f"times:{slot.session.doctor_id}:{slot.session.service_id}:{day:%Y%m%d}"
    times = _for_a_minute(name, lambda: _times(slot))
    context = {"practice": _practice(slot.session.doctor, slot.session.service), "times": times}
    return _kept(render(request, "scheduling/portal_schedule_times.html", context))


@_open_page
def schedule_choice(request: HttpRequest) -> HttpResponse:
    """The chosen time, and the two ways on: sign in, or sign up."""
    choice = choices.choice_of(request)
    if choice is None or not Slot.objects.bookable(clock.now()).filter(pk=choice.slot.pk).exists():
        return redirect("scheduling:public-schedule")
    ahead = urlencode({"next": choices.goes_on_at(choice)})
    context = {"choice": choice, "slot": choice.slot, "sign_in_url": f"{reverse('accounts:portal-login')}?{ahead}"}
    response = render(request, "scheduling/portal_schedule_choice.html", context)
    choices.keep(response, choice)
    patch_cache_control(response, no_store=True, private=True)
    return response


def _offers() -> list[ShownOffer]:
    return [
        ShownOffer(_practice(one.doctor, one.service), one.slot_id, one.starts_at, one.free_count)
        for one in querysets.offers(clock.now())
    ]


def _times(slot: Slot) -> ShownTimes:
    found = querysets.times_around(slot, clock.now())
    return ShownTimes(found.days, list(_parts(found.parts)), found.day)


def _parts(parts: Iterable[querysets.Part]) -> Iterable[ShownPart]:
    for part in parts:
        yield ShownPart(str(part.label), [ShownTime(slot.pk, slot.starts_at) for slot in part.slots])


def _practice(doctor: User, service: Service) -> Practice:
    return Practice(
        doctor=doctor.display_name, full_name=doctor.full_name, specialty=doctor.staff_profile.specialty,
        service_id=service.pk, service=service.name, price_idr=service.price_idr, minutes=service.duration_minutes,
    )  # fmt: skip


def _for_a_minute(name: str, read: Callable[[], T]) -> T:
    """Return what `read` found within the last minute, in the language of the page."""
    key = f"scheduling:public:{get_language()}:{name}"
    found: Any = cache.get(key)
    if found is None:
        found = read()
        cache.set(key, found, SHOWN_SECONDS)
    return found


def _kept(response: HttpResponse) -> HttpResponse:
    """Let this browser keep the page for a minute; another language, theme or a sign-in makes it another page."""
    patch_cache_control(response, private=True, max_age=SHOWN_SECONDS)
    patch_vary_headers(response, ("Cookie", "Accept-Language"))
    return response
