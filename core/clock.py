"""Time as the clinic sees it. Tests freeze `django.utils.timezone.now`; nothing else asks the system clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return timezone.now()


def zone() -> ZoneInfo:
    """Return the clinic's time zone."""
    return ZoneInfo(settings.TIME_ZONE)


def today() -> date:
    """Return the clinic's calendar date at this instant."""
    return now().astimezone(zone()).date()


def local(instant: datetime) -> datetime:
    """Return an aware instant in the clinic's zone."""
    return instant.astimezone(zone())


def at(day: date, clock_time: time) -> datetime:
    """Return the aware instant of a clinic date and wall-clock time."""
    return datetime.combine(day, clock_time, tzinfo=zone())


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Return the first instant of the clinic's `day` and of the next one (half open)."""
    return at(day, time.min), at(day + timedelta(days=1), time.min)


def zone_label() -> str:
    """Return WIB, WITA or WIT, or the zone's own abbreviation."""
    return {"Asia/Jakarta": "WIB", "Asia/Pontianak": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT"}.get(
        settings.TIME_ZONE, now().astimezone(zone()).tzname() or ""
    )


def age_parts(birth_date: date, on: date) -> tuple[int, int, int]:
    """Return completed years, months and days between two dates; zeros when `on` is before the birth."""
    if on <= birth_date:
        return 0, 0, 0
    months = (on.year - birth_date.year) * 12 + on.month - birth_date.month
    if on.day < birth_date.day:
        months -= 1
    anchor_year, anchor_month = divmod(birth_date.year * 12 + birth_date.month - 1 + months, 12)
    anchor_month += 1
    next_month = date(anchor_year + anchor_month // 12, anchor_month % 12 + 1, 1)
    last_day = (next_month - timedelta(days=1)).day
    anchor = date(anchor_year, anchor_month, min(birth_date.day, last_day))
    years, months = divmod(months, 12)
    return years, months, (on - anchor).days


def age_label(birth_date: date | None, on: date | None = None) -> str:
    """Return an age as a clinic writes it: years for adults, years and months for children, days for newborns."""
    if birth_date is None:
        return _("age unknown")
    years, months, days = age_parts(birth_date, on or today())
    if years >= 5:
        return _("%(years)d y") % {"years": years}
    if years >= 1:
        return _("%(years)d y %(months)d m") % {"years": years, "months": months}
    if months >= 1:
        return _("%(months)d m %(days)d d") % {"months": months, "days": days}
    return _("%(days)d d") % {"days": days}
