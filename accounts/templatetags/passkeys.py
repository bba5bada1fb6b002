"""What pages with passkeys need to know: `{% load passkeys %}`."""

from __future__ import annotations

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def passkey_origin() -> str:
    """Return the one address at which this site's passkeys work."""
    return str(settings.OTP_WEBAUTHN_ALLOWED_ORIGINS[0])
