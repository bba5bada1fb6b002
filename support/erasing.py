"""Messages to the clinic go with the account that sent them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from patients.erasing import Part, Subject, erase_with
from support.models import SupportMessage


def register_own() -> None:
    """Make the messages part of an erasure; called once."""
    erase_with(Part("support", _("Messages to the clinic and their answers"), count, remove))


def count(subject: Subject) -> int:
    """Return how many messages the person's accounts sent."""
    return SupportMessage.objects.filter(sender__in=subject.user_ids).count()


def remove(subject: Subject, actor: Any) -> None:
    """Delete them."""
    SupportMessage.objects.filter(sender__in=subject.user_ids).delete()
