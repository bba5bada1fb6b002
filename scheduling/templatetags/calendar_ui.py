"""Marks and addresses of the calendar, which draws hundreds of them on one page."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core.templatetags.ui import badge, icon
from scheduling.calendars.layout import Booking, Cell
from scheduling.calendars.looks import LOOKS, Look

register = template.Library()


@register.simple_tag
def look_mark(look: Look) -> SafeString:
    """Draw the state of an appointment; each is made once in a language."""
    return _mark(look.key, get_language() or "")


@cache
def _mark(key: str, language: str) -> SafeString:
    look = LOOKS[key]
    return badge(str(look.word), look.tone, look.icon)


@register.simple_tag
def calendar_query(asked: Any, view: str, day: date, doctor: UUID | None = None) -> str:
    """Return the address part of another view or day; the filters stay."""
    return asked.query(view=view, day=day, **({"doctor": doctor} if doctor is not None else {}))


@register.simple_tag
def calendar_cell(cell: Cell, query: str, who: str) -> SafeString:
    """Draw one stretch of a column as a cell of the table; `who` is doctor or day, for the phone.

    Python draws it, since a page has eight hundred of them: as two templates for each they were most of the page's time.
    """
    classes = f"cell cell-{cell.kind}"
    for is_so, name in ((cell.is_booked, "is-booked"), (cell.is_past, "is-past"), (cell.is_closed, "is-closed")):
        if is_so:
            classes += f" {name}"
    high = format_html(' rowspan="{}"', cell.rowspan) if cell.rowspan > 1 else ""
    target = format_html(' data-free="{}" data-service="{}"', cell.slot_id, cell.service) if cell.is_free else ""
    inside: SafeString | str = ""
    if cell.kind == "slot":
        inside = calendar_link(cell, query, who)
        for below in cell.below:
            inside += calendar_link(below, query, who)
    elif cell.kind == "break":
        inside = _word(_("Break"))
    return format_html('<td{} class="{}"{}>{}</td>\n', high, classes, target, inside)


@register.simple_tag
def calendar_link(cell: Cell, query: str, who: str = "") -> SafeString:
    """Draw one slot as a link to its panel: the time, who, and how it stands."""
    lifted: SafeString | str = ""
    if cell.booking is not None and cell.booking.is_movable:
        lifted = format_html(
            ' data-appointment="{}" data-service="{}" draggable="false"', cell.booking.id, cell.service
        )
    return format_html(
        '<a id="s-{0}" class="cell-link" href="?{1}&amp;slot={0}" data-slot="{0}"{2}>'
        '<span class="num cell-at">{3}</span><span class="cell-who">{4}</span>{5}</a>',
        str(cell.slot_id), query, lifted, cell.at, who, _state(cell),
    )  # fmt: skip


def _state(cell: Cell) -> SafeString:
    """Say how a slot stands; an icon beside each word, so that no colour speaks alone."""
    if cell.booking is not None:
        return _booked(cell.booking, cell.why_closed if cell.is_closed else None)
    former = cell.former
    if cell.is_booked:
        return _word(_("Booked"))
    if cell.is_closed:
        return _word(cell.why_closed)
    if cell.is_past:
        return _word(former.name) + look_mark(former.look) if former is not None else _word(_("Not used"))
    free = format_html('<span class="cell-free">{}</span>', _("Free"))
    if former is None:
        return free
    return free + format_html('<span class="cell-former">{}{}</span>', former.name, look_mark(former.look))


def _booked(booking: Booking, why_closed: str | None) -> SafeString:
    said = format_html("<strong>{}</strong>{}", booking.name, look_mark(booking.look))
    if why_closed is None:
        return said
    return said + format_html('<span class="cell-conflict">{}{}</span>', icon("alert-triangle"), why_closed)


def _word(text: str) -> SafeString:
    return format_html('<span class="cell-word">{}</span>', text)
