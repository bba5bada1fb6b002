"""The waiting-room board: a page without sign-in behind a secret link, and the part of it that is fetched again."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from scheduling.board import panel_for
from scheduling.models import DeviceLink
from scheduling.speech import CLIPS
from scheduling.views.screens import ScreenRequest, for_screen, theme_of

SOCKET_PATH = "/ws/board/"


@for_screen(DeviceLink.Kind.BOARD)
@require_safe
def board(request: ScreenRequest, token: str) -> HttpResponse:
    """The whole screen; it shows the truth by itself whenever it is opened."""
    context = {
        "screen": request.screen,
        "theme": theme_of(request),
        "panel": panel_for(request.screen),
        "build": _build(),
        "panel_url": reverse("scheduling:board-panel", args=[token]),
        "socket_url": SOCKET_PATH,
        "token": token,
        "clips": {clip: static(f"audio/{clip}.mp3") for clip in CLIPS} if request.screen.speaks else {},
    }
    return render(request, "scheduling/board.html", context)


@for_screen(DeviceLink.Kind.BOARD)
@require_safe
def board_panel(request: ScreenRequest, token: str) -> HttpResponse:
    """What changes on the screen. Fetched every few seconds, so a lost message or connection heals by itself."""
    context = {"screen": request.screen, "panel": panel_for(request.screen), "build": _build()}
    return render(request, "scheduling/_board_panel.html", context)


def _build() -> str:
    """Return what changes when the board's own files change: an open board then loads itself anew."""
    return f"{static('js/board.js')} {static('css/board.css')}"
