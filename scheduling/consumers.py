"""Live connections of boards: a screen without a sign-in that hears of calls, and of nothing else."""

from __future__ import annotations

from channels.db import database_sync_to_async

from core import live
from notifications.consumers import NOT_ALLOWED, GroupListener
from scheduling.models import DeviceLink
from scheduling.services import devices

PROTOCOL = "board"


class BoardConsumer(GroupListener):
    """One waiting-room board. What it hears is "look again"; ids of rows stay here.

    The secret comes as the second of two subprotocols: servers write the addresses of sockets into their logs.
    """

    subprotocol = PROTOCOL

    async def connect(self) -> None:
        allowed = await self.allowed_groups()
        if allowed:
            # Listen before looking a second time: a link that is revoked between the two still reaches this socket.
            await self._join(allowed)
            allowed = await self.allowed_groups()
        if not allowed:
            await self.close(code=NOT_ALLOWED)
            return
        await self._start()

    async def allowed_groups(self) -> frozenset[str]:
        """Return the calls and the screen's own group while its link is open."""
        offered = self.scope.get("subprotocols", [])
        if len(offered) != 2 or offered[0] != PROTOCOL:
            return frozenset()
        screen = await database_sync_to_async(devices.find_device)(offered[1], DeviceLink.Kind.BOARD)
        if screen is None:
            return frozenset()
        return frozenset({live.group_of_topic(live.BOARD), devices.group_of(screen.pk)})

    async def _tell(self, message: dict[str, str]) -> None:
        await super()._tell({"topic": message["topic"]})
