"""My devices: what a person proves the second step of signing in with."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods
from django_otp.models import Device

from accounts import factor_resets, factors, passkeys, second_factor, step_up
from accounts.errors import FactorNeeded
from accounts.factor_forms import DeviceNameForm
from accounts.factor_views import _app_page, _begin_app
from accounts.guards import SignedInRequest, signed_in
from accounts.models import TotpDevice, User
from core.http import domain_errors

APP, PASSKEY = "app", "passkey"
FINDERS = {APP: factors.app_of, PASSKEY: factors.passkey_of}


@signed_in
@require_GET
def device_list(request: SignedInRequest) -> HttpResponse:
    """Show the devices and backup codes of the signed-in person."""
    user = request.user
    rows = [
        *((APP, device) for device in factors.apps_of(user)),
        *((PASSKEY, key) for key in factors.passkeys_of(user)),
    ]
    context = {
        "base": _base(user),
        "rows": rows,
        "codes_left": factors.methods_of(user).backup_codes_left,
        "few_codes": factors.FEW_CODES,
        "reset_asked": factor_resets.waiting_for(user),
    }
    return render(request, "accounts/device_list_screen.html", context)


@sensitive_post_parameters("code")
@signed_in
@step_up.fresh_factor
@require_http_methods(["GET", "POST"])
def device_add_app(request: SignedInRequest) -> HttpResponse:
    """Add an authenticator app: show its key, take its first code."""
    user = request.user
    is_proven = second_factor.is_verified(user)

    def done(device: TotpDevice) -> HttpResponse:
        had_codes = factors.methods_of(user).backup_codes_left
        second_factor.keep_session(request, device)
        messages.success(request, _("The authenticator app is added. Other devices have been signed out."))
        to = reverse("accounts:device-list")
        return redirect(to if had_codes else second_factor.backup_codes_address(to))

    try:
        _begin_app(request, user, is_proven=is_proven)
        return _app_page(
            request,
            user,
            done,
            again="accounts:device-add-app",
            is_proven=is_proven,
            template="accounts/device_add_app_screen.html",
        )
    except FactorNeeded as error:
        messages.error(request, str(error))
        return redirect("accounts:device-list")


@signed_in
@step_up.fresh_factor
@require_http_methods(["GET", "POST"])
def device_rename(request: SignedInRequest, kind: str, pk: int) -> HttpResponse:
    """Give a device another name."""
    device = _own(request.user, kind, pk)
    form = DeviceNameForm(request.POST if request.method == "POST" else None, initial={"name": device.name})
    if request.method == "POST" and form.is_valid():
        with domain_errors(request, form=form) as outcome:
            if kind == APP:
                factors.rename_app(user_id=request.user.pk, device_id=pk, name=form.cleaned_data["name"])
            else:
                passkeys.rename_passkey(user_id=request.user.pk, passkey_id=pk, name=form.cleaned_data["name"])
        if outcome.ok:
            messages.success(request, _("Saved."))
            return redirect("accounts:device-list")
    context = {"base": _base(request.user), "device": device, "kind": kind, "form": form}
    return render(request, "accounts/device_rename_screen.html", context, status=422 if form.is_bound else 200)


@signed_in
@step_up.fresh_factor
@require_http_methods(["GET", "POST"])
def device_remove(request: SignedInRequest, kind: str, pk: int) -> HttpResponse:
    """Ask whether a device is to go; posting removes it."""
    device = _own(request.user, kind, pk)
    if request.method == "POST":
        with domain_errors(request) as outcome:
            if kind == APP:
                factors.remove_app(user_id=request.user.pk, device_id=pk)
            else:
                passkeys.remove_passkey(user_id=request.user.pk, passkey_id=pk)
        if outcome.ok:
            second_factor.keep_session(request)
            messages.success(request, _("The device is removed. Other devices have been signed out."))
        return redirect("accounts:device-list")
    context = {
        "base": _base(request.user),
        "device": device,
        "kind": kind,
        "is_last": len([*factors.apps_of(request.user), *factors.passkeys_of(request.user)]) == 1,
        "must_have": second_factor.must_have_factor(request.user),
    }
    return render(request, "accounts/device_remove_screen.html", context)


def _own(user: User, kind: str, pk: int) -> Device:
    device = FINDERS[kind](user, pk) if kind in FINDERS else None
    if device is None:
        raise Http404
    return device


def _base(user: User) -> str:
    return "base_staff.html" if user.is_staff_member else "base_portal.html"
