"""The administration of users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import lockout, services
from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from accounts.models import User
from accounts.step_up import fresh_factor
from accounts.user_forms import EmailForm, InviteForm, RolesForm, StaffForm, UserFilterForm
from core.http import domain_errors
from core.pagination import keyset_page

SEARCH_LIMIT = 50


@requires(Capability.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def user_list(request: SignedInRequest) -> HttpResponse:
    """List accounts. A search is posted, so that names of people stay out of addresses and logs."""
    users = User.objects.visible_to(request.user).for_list()
    text = request.POST.get("q", "").strip()[:100] if request.method == "POST" else ""
    form = UserFilterForm(request.GET or None)
    context: dict[str, Any] = {"form": form, "q": text, "previous_url": "", "next_url": ""}
    if text:
        context["users"] = list(users.matching(text).order_by("username")[:SEARCH_LIMIT])
        context["is_cut"] = len(context["users"]) == SEARCH_LIMIT
    else:
        chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
        page = keyset_page(
            request.GET,
            users.filtered(
                kind=chosen.get("kind") or "staff", role=chosen.get("role", ""), status=chosen.get("status", "")
            ),
            order=("username",),
        )
        context |= {"users": page.rows, "previous_url": page.previous_url, "next_url": page.next_url}
    return render(request, "accounts/user_list_screen.html", context)


@requires(Capability.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def user_create(request: SignedInRequest) -> HttpResponse:
    """Invite a member of staff by mail."""
    form = InviteForm(request.POST if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if request.method == "POST" and form.is_valid():
        with domain_errors(request, form=form) as outcome:
            person = services.invite_staff(
                actor=request.user, email=form.cleaned_data["email"], roles=form.cleaned_data["roles"], **form.facts()
            )
        if outcome.ok:
            messages.success(request, _("The invitation is on its way. The link in it works for 72 hours."))
            return redirect("accounts:user-edit", person.pk)
        status = outcome.status
    return render(request, "accounts/user_create_screen.html", {"form": form}, status=status)


@requires(Capability.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def user_edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show one account; change the facts of a member of staff."""
    person = _person(request, pk)
    form = _staff_form(person, request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                services.update_staff_user(user_id=person.pk, actor=request.user, **form.facts())
            if outcome.ok:
                messages.success(request, _("Saved."))
                return redirect("accounts:user-edit", person.pk)
            status = outcome.status
    return _edit_screen(request, person, form=form, status=status)


@requires(Capability.MANAGE_USERS)
@require_POST
def user_email(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Correct the address of a member of staff: at once while invited, else after its owner's confirmation."""
    person = _person(request, pk)
    form = EmailForm(request.POST)
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            is_changed = services.change_staff_email(
                user_id=person.pk, actor=request.user, new_email=form.cleaned_data["email"]
            )
        if outcome.ok:
            changed = _("The address is changed and the invitation was sent there.")
            waits = _("A link went to the new address. It counts once the owner confirms it there with the password.")
            messages.success(request, changed if is_changed else waits)
            return redirect("accounts:user-edit", person.pk)
        status = outcome.status
    return _edit_screen(request, person, email_form=form, status=status)


@requires(Capability.MANAGE_USERS)
@fresh_factor
@require_POST
def user_roles(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Give exactly these roles."""
    person = _person(request, pk)
    form = RolesForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose at least one role of the clinic's staff."))
        return redirect("accounts:user-edit", person.pk)
    return _act(request, person, services.set_roles, _("The roles are saved."), roles=form.cleaned_data["roles"])


@requires(Capability.MANAGE_USERS)
@require_POST
def user_deactivate(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Close an account."""
    success = _("The account is closed. Its sessions have ended.")
    return _act(request, _person(request, pk), services.deactivate_user, success)


@requires(Capability.MANAGE_USERS)
@require_POST
def user_reactivate(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Open a closed account."""
    return _act(request, _person(request, pk), services.reactivate_user, _("The account is open again."))


@requires(Capability.MANAGE_USERS)
@require_POST
def user_verify(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Record that the licences were checked."""
    return _act(request, _person(request, pk), services.verify_staff, _("The licences are recorded as checked."))


@requires(Capability.MANAGE_USERS)
@require_POST
def user_lift_lock(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Let a locked-out person try again at once."""
    return _act(request, _person(request, pk), services.lift_lock, _("The lock is lifted."))


@requires(Capability.MANAGE_USERS)
@require_POST
def user_send_password_link(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Mail somebody a link by which they choose a new password."""
    success = _("A link for a new password is on its way. It works for 30 minutes.")
    return _act(request, _person(request, pk), services.send_password_link, success)


@requires(Capability.MANAGE_USERS)
@require_POST
def user_send_invitation(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Mail a new invitation in place of the one before."""
    success = _("A new invitation is on its way. The link sent before does not work any more.")
    return _act(request, _person(request, pk), services.send_invitation, success)


def _person(request: SignedInRequest, pk: UUID) -> User:
    return get_object_or_404(User.objects.visible_to(request.user).for_list(), pk=pk)


def _staff_form(person: User, data: Any = None) -> StaffForm:
    profile = getattr(person, "staff_profile", None)
    facts = {name: getattr(profile, name, "") for name in services.PROFILE_FIELDS if name != "nik"}
    names = {"full_name": person.full_name, "username": person.username}
    return StaffForm(data, initial={**names, **facts}, known_nik=profile.masked_nik if profile else "")


def _edit_screen(
    request: SignedInRequest, person: User, *, form: Any = None, email_form: Any = None, status: int = 200
) -> HttpResponse:
    context = {
        "person": person,
        "form": form or _staff_form(person),
        "email_form": email_form or EmailForm(),
        "roles_form": RolesForm(initial={"roles": [row.role for row in person.roles.all()]}),
        "is_self": person.pk == request.user.pk,
        "locked_places": lockout.locked_places(person),
        "role_labels": [row.get_role_display() for row in person.roles.all()],
    }
    return render(request, "accounts/user_edit_screen.html", context, status=status)


def _act(
    request: SignedInRequest, person: User, service: Callable[..., Any], success: str, **values: Any
) -> HttpResponse:
    """Run one service call about an account, say what became of it, and go back to the account."""
    with domain_errors(request) as outcome:
        service(user_id=person.pk, actor=request.user, **values)
    if outcome.ok:
        messages.success(request, success)
    return redirect("accounts:user-edit", person.pk)
