"""ASGI entry point: live connections at /ws/ in production; pages too in the embedded product."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emr.settings.production")

from django.core.asgi import get_asgi_application

pages = get_asgi_application()  # first: it loads the apps that the imports below need

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from core import live  # noqa: E402
from emr.processes import refuse_lonely_process, refuse_wrong_keys  # noqa: E402
from notifications.routing import websocket_urlpatterns as own_pages  # noqa: E402
from scheduling.routing import websocket_urlpatterns as screens  # noqa: E402

refuse_lonely_process()
refuse_wrong_keys()

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_router = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter([*own_pages, *screens]))),
    }
)


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one connection; at start-up, remember the loop on which the in-memory live layer works."""
    if scope["type"] == "lifespan":
        live.remember_server_loop(asyncio.get_running_loop())
        await _lifespan(receive, send)
        return
    await _router(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
