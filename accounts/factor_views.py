"""The second step of signing in: proving a factor, setting up the first one, and proving it again before dangerous acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import factors, lockout, second_factor, step_up
from accounts.demo import demo_code
from accounts.errors import FactorNeeded, PendingDeviceGone, WrongCode
from accounts.factor_forms import BackupCodeForm, CodeForm, KeptForm, NewAppForm, PasswordForm
from accounts.guards import SignedInRequest, public, signed_in
from accounts.models import TotpDevice, User
from accounts.qr import qr_svg
from accounts.second_factor import SecondFactorStage
from core.http import domain_errors, refusal

PENDING_APP = "pending_app"  # session: number of the row that an app is being set up in; the key stays in the row
APP, BACKUP, PASSKEY, PASSWORD = "app", "backup", "passkey", "password"  # ways to prove a factor


TryForm = CodeForm | BackupCodeForm | PasswordForm


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        messages.info(request, _("Sign in first. The second step must follow the password within 15 minutes."))
    return redirect("accounts:home")


# --- Inside the sign-in ---------------------------------------------------------------------------------------------


@sensitive_post_parameters("code")
@public
@never_cache
@require_http_methods(["GET", "POST"])
@second_factor.in_sign_in(otherwise=_sign_in_first)
def factor_verify(request: HttpRequest, stage: SecondFactorStage) -> HttpResponse:
    """Ask for the second factor of the sign-in that waits in this session."""
    user = cast(User, stage.login.user)
    methods = factors.methods_of(user)
    if not methods.any:
        return redirect("accounts:factor-enrol")
    way = _way(request, methods)
    form = _form_of(way, request)
    if form is not None and request.method == "POST" and form.is_valid():
        try:
            proof = _prove(request, user, way, form.cleaned_data["code"], "sign_in")
        except lockout.TooManyTries as error:
            stage.abort()
            return refusal(request, error)
        if proof.device is not None:
            return second_factor.finish(stage, proof.device)
        form.refuse(proof.reason)
    context = {
        **_page_of(user, way, form, methods),
        "hint": second_factor.name_hint(user),
        "is_patient": not user.is_staff_member,
    }
    return render(request, "accounts/factor_verify_screen.html", context, status=_status(form))


@public
@require_POST
def factor_cancel(request: HttpRequest) -> HttpResponse:
    """Forget the waiting sign-in, for example to sign in as somebody else."""
    stage = second_factor.waiting_stage(request)
    return stage.abort() if stage is not None else redirect("accounts:login")


@public
@never_cache
@require_http_methods(["GET", "POST"])
@second_factor.in_sign_in(otherwise=_sign_in_first)
def factor_enrol(request: HttpRequest, stage: SecondFactorStage) -> HttpResponse:
    """Let somebody whose sign-in waits choose a first factor. Posting begins with an authenticator app."""
    user = cast(User, stage.login.user)
    if request.method == "POST":
        try:
            _begin_app(request, user, is_proven=False)
        except FactorNeeded:
            return redirect("accounts:factor-verify")
        return redirect("accounts:factor-enrol-app")
    if second_factor.has_factor(user):
        return redirect("accounts:factor-verify")
    return render(request, "accounts/factor_enrol_screen.html", {"hint": second_factor.name_hint(user)})


@sensitive_post_parameters("code")
@public
@never_cache
@require_http_methods(["GET", "POST"])
@second_factor.in_sign_in(otherwise=_sign_in_first)
def factor_enrol_app(request: HttpRequest, stage: SecondFactorStage) -> HttpResponse:
    """Show the key of the first authenticator app and take its first code; that completes the sign-in."""
    user = cast(User, stage.login.user)

    def done(device: TotpDevice) -> HttpResponse:
        return second_factor.finish_enrolment(stage, device)

    try:
        return _app_page(request, user, done, again="accounts:factor-enrol", is_proven=False)
    except FactorNeeded:
        return redirect("accounts:factor-verify")


# --- The signed-in person -------------------------------------------------------------------------------------------


@sensitive_post_parameters("code", "password")
@signed_in
@require_http_methods(["GET", "POST"])
def factor_confirm(request: SignedInRequest) -> HttpResponse:
    """Ask for the factor again (for the password, of people without one) and go back to the page that wanted it."""
    user = request.user
    methods = factors.methods_of(user)
    way = _way(request, methods)
    form = _form_of(way, request)
    target = second_factor.safe_target(request, request.POST.get("next") or request.GET.get("next", ""))
    if form is not None and request.method == "POST" and form.is_valid():
        try:
            proof = _prove(request, user, way, form.cleaned_data["password" if way == PASSWORD else "code"], "confirm")
        except lockout.TooManyTries as error:
            return refusal(request, error)
        if proof:
            step_up.prove(request, proof.device)
            return redirect(target)
        form.refuse(proof.reason)
    context = {**_page_of(user, way, form, methods), "target": target}
    return render(request, "accounts/factor_confirm_screen.html", context, status=_status(form))


@signed_in
@step_up.fresh_factor
@require_http_methods(["GET", "POST"])
def backup_codes(request: SignedInRequest) -> HttpResponse:
    """Make backup codes and show them, once; then lead on."""
    target = second_factor.safe_target(request, request.POST.get("next") or request.GET.get("next", ""))
    context: dict[str, Any] = {"target": target, "codes": [], "form": KeptForm()}
    if request.method == "POST":
        with domain_errors(request) as outcome:
            context["codes"] = factors.make_backup_codes(user_id=request.user.pk)
        if not outcome.ok:
            return redirect("accounts:device-list")
        second_factor.keep_session(request)
    else:
        context["left"] = factors.methods_of(request.user).backup_codes_left
    return render(request, "accounts/factor_backup_codes_screen.html", context)


@signed_in
@require_POST
def backup_codes_kept(request: SignedInRequest) -> HttpResponse:
    """Go on after the backup codes."""
    return redirect(second_factor.safe_target(request, request.POST.get("next", "")))


# --- Parts ----------------------------------------------------------------------------------------------------------


def _way(request: HttpRequest, methods: factors.Methods) -> str:
    """Return how the factor is to be proven: as chosen by a link, else the app, else the passkey, else the password."""
    chosen = request.POST.get("with") or request.GET.get("with")
    if chosen == BACKUP and methods.any:
        return BACKUP
    if methods.app:
        return APP
    return PASSKEY if methods.passkey else PASSWORD


def _form_of(way: str, request: HttpRequest) -> TryForm | None:
    kinds: dict[str, type[TryForm]] = {APP: CodeForm, BACKUP: BackupCodeForm, PASSWORD: PasswordForm}
    return kinds[way](request.POST if request.method == "POST" else None) if way in kinds else None


def _prove(request: HttpRequest, user: User, way: str, secret: str, purpose: str) -> factors.Proof:
    """Check what was typed, under the common counter of wrong tries.

    Raises:
        TooManyTries: for this account from this place.
    """
    if way == PASSWORD:
        is_right = lockout.attempt(request, user, lambda: user.check_password(secret))
        return factors.Proof(is_right=True) if is_right else factors.Proof(reason=_("The password is not right."))
    # A code that is not looked at is no try.
    if seconds := factors.wait_seconds(user, backup=way == BACKUP):
        return factors.Proof(reason=factors.wait_sentence(seconds))
    check = factors.check_backup_code if way == BACKUP else factors.check_code
    return lockout.attempt(request, user, lambda: check(user_id=user.pk, code=secret, purpose=purpose))


def _page_of(user: User, way: str, form: TryForm | None, methods: factors.Methods) -> dict[str, Any]:
    return {"way": way, "form": form, "methods": methods, "demo_code": demo_code(user) if way == APP else None}


def _status(form: TryForm | None) -> int:
    return 422 if form is not None and form.is_bound else 200


def _begin_app(request: HttpRequest, user: User, *, is_proven: bool) -> None:
    """Make sure that this session has an app to set up, with a key of its own."""
    if factors.pending_app(user, request.session.get(PENDING_APP)) is None:
        request.session[PENDING_APP] = factors.start_app(user_id=user.pk, is_proven=is_proven).pk


def _app_page(
    request: HttpRequest,
    user: User,
    done: Callable[[TotpDevice], HttpResponse],
    *,
    again: str,
    is_proven: bool,
    template: str = "accounts/factor_enrol_app_screen.html",
) -> HttpResponse:
    """Show the key of the app that this session sets up; a right first code makes it a factor.

    Raises:
        FactorNeeded: the account has a factor that this session did not prove.
    """
    pending = factors.pending_app(user, request.session.get(PENDING_APP))
    if pending is None:
        return redirect(again)
    form = NewAppForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            device = factors.confirm_app(
                user_id=user.pk,
                device_id=pending.pk,
                code=form.cleaned_data["code"],
                name=form.cleaned_data["name"],
                is_proven=is_proven,
            )
        except WrongCode as error:
            form.refuse(str(error))
        except PendingDeviceGone as error:
            messages.error(request, str(error))
            return redirect(again)
        else:
            request.session.pop(PENDING_APP, None)
            return done(device)
    key = pending.secret_base32
    context = {
        "form": form,
        "qr": qr_svg(pending.otpauth_url, label=_("QR code with the key for your app")),
        "key": " ".join(key[at : at + 4] for at in range(0, len(key), 4)),
        "hint": second_factor.name_hint(user),
        "back": again,
    }
    return render(request, template, context, status=_status(form))
