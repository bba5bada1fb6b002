"""A way out for apps below `notifications`: mails and notices are handed to whoever registered to deliver them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_deliverers: dict[str, Callable[..., Any]] = {}


def register(*, mail: Callable[..., Any], notify: Callable[..., Any], notify_capability: Callable[..., Any]) -> None:
    """Say who delivers; called once when the apps are loaded."""
    _deliverers.update(mail=mail, notify=notify, notify_capability=notify_capability)


def mail(**order: Any) -> Any:
    """Order a mail in the caller's transaction. Arguments as `notifications.services.queue_email`."""
    return _deliverers["mail"](**order)


def notify(**order: Any) -> int:
    """Put a notice into people's lists. Arguments as `notifications.services.notify`."""
    return _deliverers["notify"](**order)


def notify_capability(capability: Any, **order: Any) -> int:
    """Put a notice into the list of everybody with a right. Arguments as `notifications.services.notify_capability`."""
    return _deliverers["notify_capability"](capability, **order)
