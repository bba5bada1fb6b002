"""Whose record a portal page is about: the own one, or that of a person the account may act for.

The choice lives in the session and is checked against the links on every request. A page keeps to the person it was
made for: its forms and its fragments name them, so that two windows never mix two people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render, resolve_url
from django.utils.translation import gettext as _

from accounts.guards import PortalRequest
from audit import context as audit_context
from core import clock
from core.ids import uuid_or_none
from patients.models import GuardianLink, Patient

SESSION_KEY = "portal_person"
FIELD = "person"
SWITCH_FIELD = "switch_person"
HEADER = "X-Portal-Person"
SAFE = ("GET", "HEAD", "OPTIONS")

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Person:
    """Somebody the account may act for; `link` is None for the account's own record."""

    patient: Patient
    link: GuardianLink | None = None

    @property
    def is_self(self) -> bool:
        return self.link is None


@dataclass(frozen=True)
class Portal:
    """What the frame of a portal page shows: who is chosen, and who could be."""

    chosen: Person
    persons: list[Person]

    @property
    def has_choice(self) -> bool:
        return len(self.persons) > 1

    def find(self, patient_id: UUID | None) -> Person | None:
        return next((person for person in self.persons if person.patient.pk == patient_id), None)


def persons_of(user: Any) -> list[Person]:
    """Return the account's own record first, then those of its links in force by name. One query beside the own record."""
    today = clock.today()
    links = GuardianLink.objects.active().filter(guardian_id=user.pk, dependant__isnull=False)
    others = [
        Person(link.dependant, link)
        for link in links.select_related("dependant")
        if link.dependant is not None and link.is_in_force(today)
    ]
    return [Person(user.patient), *sorted(others, key=lambda person: person.patient.full_name.casefold())]


def choose(request: PortalRequest, person: Person) -> None:
    """Make this the person of the following pages of this session."""
    request.session[SESSION_KEY] = str(person.patient.pk)
    _show(request, person, request.portal.persons)


def chooser(request: PortalRequest, is_account_page: bool) -> HttpResponse | None:
    """Set `request.patient` and `request.portal`; answer instead of the view when the page was made for somebody else."""
    persons = persons_of(request.user)
    wanted = uuid_or_none(request.session.get(SESSION_KEY))
    found = Portal(persons[0], persons).find(wanted)
    is_lost = wanted is not None and found is None
    _show(request, found or persons[0], persons)
    if is_lost:
        del request.session[SESSION_KEY]
        messages.warning(request, _("You can no longer act for the person you had chosen. This is your own record."))
    if is_account_page:
        return None
    if request.method in SAFE:
        return _keep_fragment(request)
    return _check_form(request, is_lost=is_lost)


def own_or_404(request: PortalRequest, rows: QuerySet[M], *, pk: UUID, follows: bool = True) -> M:
    """Return a row of the chosen person, or of another one the account may act for when it is only read.

    A page that is opened by its address, from a mail or a notice, chooses its person for what follows; with `follows`
    off (files) the choice stays. What is sent is for the chosen person only. `rows` are already scoped to the account.
    """
    row = get_object_or_404(rows, pk=pk)
    patient_id: UUID = row.patient_id  # type: ignore[attr-defined]
    if patient_id == request.patient.pk:
        return row
    person = request.portal.find(patient_id)
    if person is None or request.method not in SAFE:
        raise Http404
    if request.method == "GET" and follows and not request.htmx:
        choose(request, person)
        messages.info(request, _("This page is about another person than before; the name stands at the top."))
    else:
        _show(request, person, request.portal.persons)
    return row


def _show(request: PortalRequest, person: Person, persons: list[Person]) -> None:
    request.patient, request.portal = person.patient, Portal(person, persons)
    # Asked once for this request: `visible_to` of every model starts from here.
    request.user.portal_ids_of_request = [one.patient.pk for one in persons]  # type: ignore[attr-defined]
    acting_for = (person.patient.pk, person.link.pk) if person.link is not None else None
    audit_context.current.set(replace(audit_context.current.get(), acting_for=acting_for))


def _keep_fragment(request: PortalRequest) -> HttpResponse | None:
    """Let a part of a page that fetches itself again stay with the page's person; leave when that is over."""
    made_for = request.headers.get(HEADER)
    if made_for is None or not request.htmx:
        return None
    person = request.portal.find(uuid_or_none(made_for))
    if person is not None:
        _show(request, person, request.portal.persons)
        return None
    answer = HttpResponse(status=204)
    answer["HX-Redirect"] = resolve_url("accounts:home")
    return answer


def _check_form(request: PortalRequest, *, is_lost: bool) -> HttpResponse | None:
    """Refuse a form that was made for somebody else than the chosen person, or that does not say for whom."""
    text = request.POST.get(FIELD) or request.headers.get(HEADER)
    if text is None and not is_lost and not request.portal.has_choice:
        return None
    made_for = request.portal.find(uuid_or_none(text))
    if made_for is not None and made_for.patient.pk == request.patient.pk:
        return None
    if made_for is not None and request.POST.get(SWITCH_FIELD) == text:
        choose(request, made_for)
        return None
    may_repeat = made_for is not None and not request.FILES and not request.htmx
    page = {"made_for": made_for, "is_lost": made_for is None, "fields": list(_typed(request)) if may_repeat else []}
    return render(request, "patients/guardian_stale.html", {**page, "may_repeat": may_repeat}, status=409)


def _typed(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """The fields of the refused form, so that nothing has to be typed again."""
    for name, values in request.POST.lists():
        if name not in ("csrfmiddlewaretoken", SWITCH_FIELD):
            yield from ((name, str(value)) for value in values)
