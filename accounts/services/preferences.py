"""How a person likes the pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from core.db import retry_transaction
from core.errors import InvalidInput


@retry_transaction
def save_preferences(*, user_id: UUID, **values: Any) -> None:
    """Keep language, theme and the Ctrl+D choice with the account. Only known fields, only known values.

    Raises:
        InvalidInput: a value that is not on offer.
    """
    offered: dict[str, set[Any]] = {
        "language": {code for code, _label in User._meta.get_field("language").flatchoices},
        "theme": set(User.Theme.values),
        "uses_ctrl_d": {True, False},
    }
    chosen = {field: value for field, value in values.items() if value is not None}
    if any(field not in offered or value not in offered[field] for field, value in chosen.items()):
        raise InvalidInput(_("Choose one of the offered languages and themes."))
    if chosen:
        User.objects.filter(pk=user_id).update(**chosen)
