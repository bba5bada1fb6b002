"""The kiosk: a patient checks in with a booking code, takes a number for the desk, or scans a code with the phone.

Nobody signs in, so nothing here shows a name, a doctor or what a booking is about: numbers, places and times only.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

import audit
from accounts.qr import qr_svg
from core import clock
from core.errors import DomainError
from core.ids import uuid7, uuid_or_none
from scheduling.errors import CodeNotAccepted
from scheduling.forms.devices import BookingCodeForm
from scheduling.models import DeviceLink, Visit
from scheduling.services import arrivals, devices
from scheduling.services.estimates import estimate_for
from scheduling.views.screens import ScreenRequest, for_screen, theme_of

BACK_SECONDS = 15  # how long a number stays on the screen
PHONE_CODE_SECONDS = 30  # how often the code for phones is drawn anew; it counts for three times as long
WRONG_CODES, WRONG_CODE_SECONDS = 20, 600  # of one kiosk
NUMBERS_PER_MINUTE = 12  # of one kiosk: fingers of children, not patients
FORM_KEY_SECONDS = 300


@for_screen(DeviceLink.Kind.KIOSK)
@require_safe
def kiosk(request: ScreenRequest, token: str) -> HttpResponse:
    """Where a patient begins."""
    return _start(request, token)


@for_screen(DeviceLink.Kind.KIOSK)
@require_safe
def kiosk_phone_code(request: ScreenRequest, token: str) -> HttpResponse:
    """The code for phones, drawn anew."""
    return render(request, "scheduling/_kiosk_phone_code.html", {"phone_code": _phone_code(request.screen)})


@for_screen(DeviceLink.Kind.KIOSK)
@require_POST
def kiosk_check_in(request: ScreenRequest, token: str) -> HttpResponse:
    """Check in with a booking code; entered again it shows the same number."""
    form = BookingCodeForm(request.POST)
    if not form.is_valid():
        return _start(request, token, problem=_("Scan or type the code of your booking."), status=422)
    if _wrong_codes(request.screen) >= WRONG_CODES:
        problem = _("Too many wrong codes were tried here. Please go to the registration desk.")
        return _start(request, token, problem=problem, status=409)
    try:
        visit = arrivals.check_in_with_code(code=form.cleaned_data["code"])
    except CodeNotAccepted as error:
        _count_wrong_code(request.screen)
        return _start(request, token, problem=str(error), status=409)
    except DomainError as error:
        return _start(request, token, problem=str(error), status=409)
    return redirect("scheduling:kiosk-number", token, visit.ticket.pk)


@for_screen(DeviceLink.Kind.KIOSK)
@require_POST
def kiosk_take_number(request: ScreenRequest, token: str) -> HttpResponse:
    """Give a number for the registration desk; the same form sent twice gives one."""
    key = uuid_or_none(request.POST.get("key", "")[:36])
    name = f"scheduling:kiosk:{request.screen.pk.hex}:{key.hex if key else ''}"
    if key is not None and not cache.add(name, "", FORM_KEY_SECONDS):
        given = uuid_or_none(cache.get(name))
        return redirect("scheduling:kiosk-number", token, given) if given else redirect("scheduling:kiosk", token)
    if _counted(f"numbers:{request.screen.pk.hex}", 60) > NUMBERS_PER_MINUTE:
        problem = _("Many numbers were taken here just now. Wait a minute, or go to the registration desk.")
        return _start(request, token, problem=problem, status=409)
    ticket = arrivals.take_number(priority=request.POST.get("priority", "")[:10])
    if key is not None:
        cache.set(name, str(ticket.pk), FORM_KEY_SECONDS)
    return redirect("scheduling:kiosk-number", token, ticket.pk)


@for_screen(DeviceLink.Kind.KIOSK)
@require_safe
def kiosk_number(request: ScreenRequest, token: str, pk: UUID) -> HttpResponse:
    """One number of today with its place and, when it can be said, its time. Also the slip that is printed."""
    step = devices.shown_number(pk)
    if step is None:
        return redirect("scheduling:kiosk", token)  # a page that is not here would stay on the screen
    context = {
        "screen": request.screen,
        "theme": theme_of(request),
        "ticket": step.ticket,
        "place": devices.place_of(step),
        "estimate": estimate_for(step.ticket.visit) if step.ticket.visit else None,
        "is_priority": bool(step.priority),
        "at": clock.now(),
        "start_url": reverse("scheduling:kiosk", args=[token]),
        "back_seconds": BACK_SECONDS,
    }
    return render(request, "scheduling/kiosk_number.html", context)


def _start(request: ScreenRequest, token: str, *, problem: str = "", status: int = 200) -> HttpResponse:
    labels = dict(Visit.Priority.choices)
    context = {
        "screen": request.screen,
        "theme": theme_of(request),
        "problem": problem,
        "priorities": [(str(value), labels[value]) for value in arrivals.OWN_PRIORITIES],
        "form_key": uuid7(),
        "phone_code": _phone_code(request.screen),
        "phone_code_seconds": PHONE_CODE_SECONDS,
        "start_url": reverse("scheduling:kiosk", args=[token]),
        "check_in_url": reverse("scheduling:kiosk-check-in", args=[token]),
        "number_url": reverse("scheduling:kiosk-take-number", args=[token]),
        "phone_code_url": reverse("scheduling:kiosk-phone-code", args=[token]),
    }
    return render(request, "scheduling/kiosk.html", context, status=status)


def _phone_code(screen: DeviceLink) -> str:
    address = settings.SITE_URL + reverse("scheduling:onsite-scan", args=[devices.on_site_proof(screen)])
    return qr_svg(address, label=_("QR code for the camera of your phone"))


def _wrong_codes(screen: DeviceLink) -> int:
    return int(cache.get(f"scheduling:kiosk:wrong:{screen.pk.hex}", 0))


def _count_wrong_code(screen: DeviceLink) -> None:
    """Count one wrong code; the one that closes the kiosk to codes for a while is in the audit log."""
    if _counted(f"wrong:{screen.pk.hex}", WRONG_CODE_SECONDS) == WRONG_CODES:
        with transaction.atomic():
            audit.record("scheduling.kiosk.codes_refused", actor=None, target=screen, detail={"tries": WRONG_CODES})


def _counted(what: str, seconds: int) -> int:
    name = f"scheduling:kiosk:{what}"
    cache.add(name, 0, seconds)
    try:
        return cache.incr(name)
    except ValueError:  # it ran out between the two calls
        return 1
