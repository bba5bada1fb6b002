"""How pharmacy screens write quantities."""

from __future__ import annotations

from decimal import Decimal

from django import template

from core.numbers import format_quantity

register = template.Library()


@register.filter
def quantity(value: Decimal | int | None) -> str:
    """Write a quantity in the page's language: 10, 0,5."""
    return format_quantity(value)


@register.filter
def shown_free(value: Decimal | None) -> str:
    """Write free units; more promised than there is counts as none."""
    return format_quantity(max(Decimal(value or 0), Decimal(0)))
