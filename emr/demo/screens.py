"""The screens of the demo clinic: what the admin's list shows. Their links are known to nobody; new ones are made there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from accounts.models import User
from core import clock
from scheduling.models import DeviceLink, Stage, Station
from scheduling.services import devices

Kind = DeviceLink.Kind


class Screens:
    """Two boards, a kiosk, and one that was lost."""

    def __init__(self, admin: User) -> None:
        self.admin = admin

    def build(self) -> None:
        """Make the screens; the stations are there already."""
        counters = Station.objects.filter(stage__in=(Stage.PHARMACY, Stage.CASHIER)).values_list("pk", flat=True)
        self._make(Kind.BOARD, "Ruang tunggu utama")
        self._make(Kind.BOARD, "Ruang tunggu farmasi dan kasir", counters)
        self._make(Kind.KIOSK, "Pintu masuk")
        lost = self._make(Kind.KIOSK, "Tablet pinjaman acara bakti sosial")
        devices.revoke_device(link_id=lost.pk, actor=self.admin)

    def _make(self, kind: str, name: str, station_ids: Iterable[UUID] = ()) -> DeviceLink:
        link, _token = devices.make_device(kind=kind, name=name, actor=self.admin, station_ids=station_ids)
        DeviceLink.objects.filter(pk=link.pk).update(
            created_at=clock.now() - timedelta(days=40), last_seen_at=clock.now() - timedelta(minutes=2)
        )
        return link
