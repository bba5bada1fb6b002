"""Rules of schedules, bookings and the queue that a change can break."""

from core.errors import Conflict, InvalidInput, NotPermitted


class InvalidPlan(InvalidInput):
    """A practice session cannot be laid out with these values."""

    code = "scheduling.invalid_plan"


class ReasonMissing(InvalidInput):
    """A decision against somebody's wish needs a reason."""

    code = "scheduling.reason_missing"


class ServiceNotOffered(InvalidInput):
    """The service is closed, or the doctor does not offer it."""

    code = "scheduling.service_not_offered"


class SessionNotOpen(Conflict):
    """The practice session is no longer in the state this step starts from."""

    code = "scheduling.session_not_open"


class SessionOverlap(Conflict):
    """The doctor already has an approved session at this time."""

    code = "scheduling.session_overlap"


class NotOwnSession(NotPermitted):
    """Only the doctor of a session may do this."""

    code = "scheduling.not_own_session"


class SlotTaken(Conflict):
    """Somebody else has this time, or it is no longer offered."""

    code = "scheduling.slot_taken"


class TooManyAppointments(Conflict):
    """The patient already has as many future appointments as the portal allows."""

    code = "scheduling.too_many_appointments"


class AppointmentOverlap(Conflict):
    """The patient already has an appointment at this time."""

    code = "scheduling.appointment_overlap"


class PatientNotActive(Conflict):
    """The patient record is archived: no new bookings or visits."""

    code = "scheduling.patient_not_active"


class AppointmentNotOpen(Conflict):
    """The appointment is no longer in the state this step starts from."""

    code = "scheduling.appointment_not_open"


class NotYourAppointment(NotPermitted):
    """A patient may only cancel their own appointment."""

    code = "scheduling.not_your_appointment"


class WrongDay(Conflict):
    """The appointment is for another day."""

    code = "scheduling.wrong_day"


class AlreadyWaiting(Conflict):
    """The patient already has an open visit with this doctor today."""

    code = "scheduling.already_waiting"


class VisitNotOpen(Conflict):
    """The visit is not in the state this step starts from."""

    code = "scheduling.visit_not_open"


class NotVisitDoctor(NotPermitted):
    """Only the doctor of the visit may do this."""

    code = "scheduling.not_visit_doctor"
