"""The tables of the clinic's day, one module an aggregate."""

from scheduling.models.absences import ClinicHours, Holiday, TimeOff
from scheduling.models.appointments import Appointment, AppointmentLine, AppointmentMove
from scheduling.models.devices import CalendarFeed, DeviceLink
from scheduling.models.queue import SERVES, QueueEvent, QueueStep, QueueTicket, Stage, Station, stages_of
from scheduling.models.reminders import Channel, Reminder, ReminderPreference
from scheduling.models.services import Service
from scheduling.models.sessions import PracticeSession, SessionSeries, Slot
from scheduling.models.visits import NURSE_CARE, Visit, VisitLine, urgency
from scheduling.models.waitlist import WaitlistEntry

__all__ = [
    "NURSE_CARE", "SERVES", "Appointment", "AppointmentLine", "AppointmentMove", "CalendarFeed", "Channel", "ClinicHours",
    "DeviceLink", "Holiday", "PracticeSession", "QueueEvent", "QueueStep", "QueueTicket", "Reminder",
    "ReminderPreference", "Service", "SessionSeries", "Slot", "Stage", "Station", "TimeOff", "Visit", "VisitLine",
    "WaitlistEntry", "stages_of", "urgency",
]  # fmt: skip
