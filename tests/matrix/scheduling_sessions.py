"""Changing and cancelling sessions, weekly series, time off, holidays, hours."""

from datetime import date, time, timedelta

from core import clock
from scheduling import services
from scheduling.models import ClinicHours, Holiday, PracticeSession, TimeOff
from scheduling.services import Pattern
from tests.factories.scheduling import ServiceFactory, SessionFactory, session_at
from tests.matrix import Row

DAY = timedelta(days=1)
Session = PracticeSession.Status


def session(status=Session.APPROVED):
    def build(cast):
        return {"pk": SessionFactory(doctor=cast.doctor, status=status).pk}

    return build


def session_today(cast):
    return {"pk": session_at(clock.today(), 9, doctor=cast.doctor, count=6).pk}


def series(cast):
    pattern = Pattern(
        weekdays=[1, 4], every_weeks=1, first_on=clock.today() + DAY, until=clock.today() + 14 * DAY,
        start_time=time(8), slot_minutes=30, gap_minutes=0, slot_count=2,
    )  # fmt: skip
    return {"pk": services.propose_series(actor=cast.doctor, service_id=ServiceFactory().pk, pattern=pattern).pk}


def service(cast):
    cast.made["service"] = ServiceFactory()
    return {}


def time_off(cast):
    row = TimeOff.objects.create(
        doctor=cast.doctor, kind=TimeOff.Kind.LEAVE, starts_at=clock.now() + DAY, ends_at=clock.now() + 2 * DAY,
        created_at=clock.now(), created_by=cast.doctor,
    )  # fmt: skip
    return {"pk": row.pk}


def holiday(cast):
    return {"pk": Holiday.objects.create(date=clock.today() + DAY, name="Contoh", kind=Holiday.Kind.LOCAL).pk}


def hours(cast):
    return {"pk": ClinicHours.objects.create(name="Contoh", weekdays=[5], opens_at=time(8)).pk}


def layout(cast):
    return {
        "practice_on": (clock.today() + DAY).isoformat(), "start_time": "10:00", "slot_minutes": "30",
        "gap_minutes": "0", "slot_count": "4", "version": "0", "reason": "Rapat",
    }  # fmt: skip


def series_data(cast):
    return {
        "service": str(cast.made["service"].pk), "weekdays": "1", "every_weeks": "1", "first_on":
        (clock.today() + DAY).isoformat(), "until": (clock.today() + 20 * DAY).isoformat(), "except_on": "",
        "start_time": "08:00", "slot_minutes": "custom", "custom_slot_minutes": "20", "gap_minutes": "0",
        "slot_count": "4", "shown": "",
    }  # fmt: skip


def reason(cast):
    return {"reason": "Dokter berhalangan", "decide-x": "cancel", "version": "0"}


def end(cast):
    return {"last_on": (clock.today() + 3 * DAY).isoformat(), "reason": "Pindah jadwal"}


def leave(cast):
    day = (clock.today() + DAY).isoformat()
    return {
        "doctor": str(cast.doctor.pk), "kind": "blocked", "first_on": day, "first_time": "08:00", "last_on": day,
        "last_time": "12:00", "note": "Rapat", "reason": "",
    }  # fmt: skip


def feast(cast):
    return {
        "date": date(clock.today().year, 12, 24).isoformat(), "name": "Contoh libur", "kind": "local",
        "closes_clinic": "on", "reason": "",
    }  # fmt: skip


def hours_data(cast):
    return {
        "name": "Jumat", "weekdays": "5", "break_starts_at": "11:30", "break_ends_at": "13:00", "is_active": "on",
        "first_on": "", "last_on": "", "opens_at": "", "closes_at": "",
    }  # fmt: skip


def row(name, **fields):
    return Row(f"scheduling:{name}", **fields)


ROWS = [
    row("session-change", build=session(), colleague="doctor"),
    row("session-change", build=session(), method="POST", colleague="doctor", data=layout),
    row("session-change-preview-panel", build=session(), method="POST", colleague="doctor", data=layout),
    row("session-cancel", build=session(), colleague="receptionist"),
    row("session-cancel", build=session(), method="POST", colleague="receptionist", data=reason),
    row(
        "session-delay", build=session_today, method="POST", holder="receptionist", colleague="nurse",
        data=lambda cast: {"minutes": "15"},
    ),
    row("series-list", holder="owner", colleague="cashier"),
    row("series-propose", build=service, holder="doctor", colleague="admin"),
    row("series-propose", build=service, method="POST", holder="doctor", colleague="admin", data=series_data),
    row("series-preview-panel", build=service, method="POST", holder="doctor", colleague="admin", data=series_data),
    row("series-detail", build=series, holder="doctor", colleague="pharmacist"),
    row("series-approve", build=series, method="POST", colleague="doctor"),
    row("series-reject", build=series, colleague="doctor"),
    row("series-reject", build=series, method="POST", colleague="doctor", data=reason),
    row("series-end", build=series, holder="doctor", colleague="receptionist"),
    row("series-end", build=series, method="POST", holder="doctor", colleague="receptionist", data=end),
    row("time-off-list", holder="receptionist", colleague="nurse"),
    row("time-off-add", holder="doctor", colleague="receptionist"),
    row("time-off-add", method="POST", colleague="receptionist", data=leave),
    row("time-off-cancel", build=time_off, method="POST", holder="doctor", colleague="receptionist"),
    row("holiday-list", holder="nurse", colleague="cashier"),
    row("holiday-add", colleague="receptionist"),
    row("holiday-add", method="POST", colleague="receptionist", data=feast),
    row("holiday-edit", build=holiday, colleague="receptionist"),
    row("holiday-edit", build=holiday, method="POST", colleague="receptionist", data=feast),
    row("holiday-delete", build=holiday, method="POST", colleague="receptionist"),
    row("hours-list", colleague="receptionist"),
    row("hours-add", colleague="receptionist"),
    row("hours-add", method="POST", colleague="receptionist", data=hours_data),
    row("hours-edit", build=hours, colleague="receptionist"),
    row("hours-edit", build=hours, method="POST", colleague="receptionist", data=hours_data),
    row("closed-bookings", colleague="receptionist"),
    row("closed-bookings", method="POST", colleague="receptionist", data=reason),
]  # fmt: skip
