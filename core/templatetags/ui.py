"""Template tags and filters of the interface; a builtin library, so templates need no `{% load %}`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any

from django import template
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import clock, money

register = template.Library()

TONES = ("neutral", "primary", "accent", "success", "warning", "danger", "info")
TONE_ICONS = {
    "neutral": "clock",
    "primary": "info",
    "accent": "hourglass",
    "success": "check-circle",
    "warning": "alert-triangle",
    "danger": "alert-circle",
    "info": "info",
}
NAME_TITLES = {
    "dr",
    "drg",
    "apt",
    "prof",
    "ns",
    "h",
    "hj",
    "ir",
    "tn",
    "ny",
    "nn",
    "an",
    "by",
    "bpk",
    "ibu",
    "sdr",
    "sdri",
}


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """Draw one icon of `static/img/icons.svg`; hidden from readers unless it carries the only meaning (`label`)."""
    if label:
        return _drawn(name, css, format_html('role="img" aria-label="{}"', label))
    return _hidden_icon(name, css)


@lru_cache(maxsize=1000, typed=True)  # text that is marked safe is not the same text
def _hidden_icon(name: str, css: str) -> SafeString:
    """A page has dozens of icons, and few are unlike the ones before."""
    return _drawn(name, css, SafeString('aria-hidden="true"'))


def _drawn(name: str, css: str, reading: SafeString) -> SafeString:
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" width="20" height="20" '
        '{} focusable="false"><use href="{}#{}"></use></svg>',
        f"icon {css}".strip(), reading, static("img/icons.svg"), name,
    )  # fmt: skip


@register.simple_tag
def badge(label: Any, tone: str = "neutral", icon_name: str = "") -> SafeString:
    """Draw a status word with its icon: colour is never the only sign. An unknown tone is shown as neutral."""
    tone = tone if tone in TONES else "neutral"
    mark = icon(icon_name or TONE_ICONS[tone])
    return format_html('<span class="tag tag-{}">{}<span>{}</span></span>', tone, mark, label)


@register.simple_tag
def form_errors(form: Any) -> SafeString:
    """Draw the linked error summary of a form that is laid out by hand; `{{ form }}` has it built in."""
    return SafeString(get_template("components/error_summary.html").render({"form": form}))


@register.filter
def rupiah(value: Any) -> str:
    """Write an amount of whole rupiah: Rp150.000, -Rp10.000. Empty for no amount."""
    return "" if value is None or value == "" else money.format_rupiah(int(value))


@register.filter
def age(birth_date: date | None, on: date | None = None) -> str:
    """Write the age on a day (default: today at the clinic)."""
    return clock.age_label(birth_date, on)


@register.filter
def initials(name: Any) -> str:
    """Return one or two capitals for an avatar; titles such as "dr." and everything after a comma are skipped."""
    text = str(name or "").split(",")[0]
    words = [word for word in text.split() if word.strip(".").lower() not in NAME_TITLES and word[:1].isalnum()]
    if not words:
        return "?"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


@register.filter
def pairs(left: Iterable[Any], right: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Return the two lists side by side, for a loop that needs a column and its cell."""
    return list(zip(left, right, strict=False))
