"""Give existing bookings a code and lines, visits lines and a kind of priority, and open visits their place in the queue."""

from django.db import migrations

from scheduling.models.appointments import booking_code

PART = 500

# Visit state -> (stage, state of the stay)
PLACES = {
    "arrived": ("nurse", "waiting"),
    "triage": ("nurse", "serving"),
    "waiting": ("doctor", "waiting"),
    "in_consultation": ("doctor", "serving"),
    "pharmacy": ("pharmacy", "waiting"),
    "cashier": ("cashier", "waiting"),
}


def _parts(rows):
    """Give rows in parts by their ids, so that the memory stays flat."""
    last = None
    while part := list((rows.filter(pk__gt=last) if last else rows).order_by("pk")[:PART]):
        yield part
        last = part[-1].pk


def fill(apps, schema_editor):
    model = {name: apps.get_model("scheduling", name) for name in (
        "Appointment", "AppointmentLine", "Visit", "VisitLine", "QueueTicket", "QueueStep"
    )}  # fmt: skip
    codes = set()
    for part in _parts(model["Appointment"].objects.filter(code=None).select_related("service").defer("complaint", "reason")):
        for row in part:
            while (row.code or "") in codes or not row.code:
                row.code = booking_code()
            codes.add(row.code)
        model["Appointment"].objects.bulk_update(part, ["code"])
        model["AppointmentLine"].objects.bulk_create(
            model["AppointmentLine"](
                appointment=row, service=row.service, position=1, price_idr=row.price_idr,
                duration_minutes=row.service.duration_minutes,
            )
            for row in part
        )  # fmt: skip
    for part in _parts(model["Visit"].objects.defer("complaint", "reason")):
        model["VisitLine"].objects.bulk_create(
            model["VisitLine"](visit=row, service_id=row.service_id, position=1, price_idr=row.price_idr) for row in part
        )
    model["Visit"].objects.filter(is_priority=True).update(priority="other")
    open_tickets = model["QueueTicket"].objects.filter(visit__status__in=PLACES).select_related("visit")
    for part in _parts(open_tickets):
        model["QueueStep"].objects.bulk_create(_stay(model["QueueStep"], ticket) for ticket in part)


def _stay(step, ticket):
    visit = ticket.visit
    stage, state = PLACES[visit.status]
    came = {"doctor": visit.triaged_at, "pharmacy": visit.consulted_at, "cashier": visit.consulted_at}.get(stage)
    entered = came or visit.arrived_at
    return step(
        ticket=ticket, visit=visit, queue_on=visit.visit_on, stage=stage, state=state, priority=visit.priority,
        doctor_id=visit.doctor_id if stage == "doctor" else None, due_at=visit.arrived_at, entered_at=entered,
        called_at=ticket.called_at, call_count=ticket.call_count,
        started_at=(visit.started_at or entered) if state == "serving" else None,
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0002_the_clinics_day")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
