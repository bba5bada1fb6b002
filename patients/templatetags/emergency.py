"""The banner of a running emergency access."""

from __future__ import annotations

from typing import Any

from django import template

from core import clock
from patients.emergency import running_of

register = template.Library()


@register.inclusion_tag("patients/_emergency_banner.html", takes_context=True)
def emergency_banner(context: template.Context, patient: Any) -> dict[str, Any]:
    """Show how long the reader's emergency access to this patient still runs; nothing for everybody else."""
    request = context.get("request")
    user = getattr(request, "user", None)
    access = running_of(user, getattr(patient, "pk", None)) if user is not None else None
    left = int((access.ends_at - clock.now()).total_seconds()) if access is not None else 0
    return {"access": access, "seconds_left": max(0, left), "csrf_token": context.get("csrf_token")}
