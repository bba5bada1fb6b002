"""Holidays, hours, a leave and weekly series of the demo clinic. Every date is an example: no decree is in the code."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta

from accounts.models import User
from core import clock
from emr.demo.history import Team
from scheduling import services as scheduling
from scheduling.models import ClinicHours, Holiday, Service, TimeOff
from scheduling.services import Absence, Feast, Pattern
from scheduling.services.sessions import rooms

# Days from today; after those for which the demo has sessions.
HOLIDAYS = (
    (18, "Contoh: libur nasional", Holiday.Kind.NATIONAL, True),
    (19, "Contoh: cuti bersama", Holiday.Kind.JOINT_LEAVE, False),
    (47, "Contoh: libur nasional kedua", Holiday.Kind.NATIONAL, True),
    (75, "Contoh: ulang tahun klinik", Holiday.Kind.LOCAL, False),
    (-40, "Contoh: libur yang lalu", Holiday.Kind.NATIONAL, True),
)
RAMADAN = (90, 118)
LEAVE = (16, 20)
SERIES_FROM, SERIES_DAYS = 15, 42


class Absences:
    """Makes when the clinic and its doctors are away, and what repeats every week."""

    def __init__(self, team: Team, services: Mapping[str, list[Service]], today: date) -> None:
        self.team = team
        self.services = services
        self.today = today

    def build(self) -> None:
        self._hours()
        for days, name, kind, closes in HOLIDAYS:
            feast = Feast(date=self._day(days), name=name, kind=kind, closes_clinic=closes)
            scheduling.save_holiday(feast=feast, actor=self.team.admin)
        dentist = self.team.doctors["gigi"]
        first, last = (clock.day_bounds(self._day(days))[0] for days in LEAVE)
        leave = Absence(dentist.pk, TimeOff.Kind.LEAVE, first, last, "Cuti tahunan")
        scheduling.add_time_off(absence=leave, actor=dentist)
        approved = self._series("umum", self.team.doctors["umum"], [2, 4], time(18, 0))
        scheduling.approve_series(series_id=approved.pk, actor=self.team.admin)
        self._series("tht", self.team.doctors["tht"], [6], time(8, 30))

    def _hours(self) -> None:
        friday = ClinicHours(name="Salat Jumat", weekdays=[5], break_starts_at=time(11, 30), break_ends_at=time(13, 0))
        first, last = (self._day(days) for days in RAMADAN)
        ramadan = ClinicHours(
            name="Ramadan (contoh tanggal)", first_on=first, last_on=last, opens_at=time(8), closes_at=time(15, 30)
        )
        for hours in (friday, ramadan):
            scheduling.save_hours(hours=hours, actor=self.team.admin)

    def _series(self, specialty: str, doctor: User, weekdays: list[int], start: time):
        pattern = Pattern(
            weekdays=weekdays, every_weeks=1, first_on=self._day(SERIES_FROM),
            until=self._day(SERIES_FROM + SERIES_DAYS), start_time=start, slot_minutes=30, gap_minutes=0, slot_count=6,
            breaks=[(time(19), time(19, 15))] if start >= time(17) else [], station=rooms().first(),
        )  # fmt: skip
        service = self.services[specialty][0]
        return scheduling.propose_series(actor=doctor, service_id=service.pk, pattern=pattern)

    def _day(self, days: int) -> date:
        return self.today + timedelta(days=days)
