"""What the clinic's calendar shows: a day, a week, a month, a list. They read, and never write."""

from scheduling.calendars.agenda import Agenda, agenda_of
from scheduling.calendars.day import Day, day_of
from scheduling.calendars.month import Month, month_of
from scheduling.calendars.reading import SLOT_FIELDS, Scope, slot_for_panel
from scheduling.calendars.week import Week, week_of

__all__ = [
    "SLOT_FIELDS", "Agenda", "Day", "Month", "Scope", "Week", "agenda_of", "day_of", "month_of", "slot_for_panel",
    "week_of",
]  # fmt: skip
