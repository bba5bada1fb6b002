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


class ServicesTooLong(InvalidInput):
    """The services of one booking need more minutes than the slot has."""

    code = "scheduling.services_too_long"


class SessionNotOpen(Conflict):
    """The practice session is no longer in the state this step starts from."""

    code = "scheduling.session_not_open"


class SessionOverlap(Conflict):
    """The doctor already has an approved session at this time."""

    code = "scheduling.session_overlap"


class RoomTaken(Conflict):
    """Another approved session has this room at this time."""

    code = "scheduling.room_taken"


class PlanChanged(Conflict):
    """The slots are no longer those of the preview: hours, holidays or time off changed meanwhile."""

    code = "scheduling.plan_changed"


class SessionChanged(Conflict):
    """Somebody changed the session after this page was opened."""

    code = "scheduling.session_changed"


class UndecidedBookings(Conflict):
    """Bookings lose their time and nobody decided about them."""

    code = "scheduling.undecided_bookings"


class TimeOffNotOpen(Conflict):
    """The time off is over or was taken back."""

    code = "scheduling.time_off_not_open"


class NotOwnTimeOff(NotPermitted):
    """A doctor enters and takes back the own time off only."""

    code = "scheduling.not_own_time_off"


class SeriesNotOpen(Conflict):
    """The series is not in the state this step starts from, or none of its sessions is."""

    code = "scheduling.series_not_open"


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


class AppointmentChanged(Conflict):
    """The appointment has another time than the page that was sent showed."""

    code = "scheduling.appointment_changed"


class TooLateToChange(Conflict):
    """A patient may no longer move or cancel this appointment without calling."""

    code = "scheduling.too_late_to_change"


class TooManyMoves(Conflict):
    """The patient moved this appointment as often as the portal allows."""

    code = "scheduling.too_many_moves"


class OfferEnded(Conflict):
    """The time that was offered from the waiting list is no longer held for this patient."""

    code = "scheduling.offer_ended"


class WishNotOpen(Conflict):
    """The place on the waiting list is no longer open."""

    code = "scheduling.wish_not_open"


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


class CodeNotAccepted(Conflict):
    """A booking code cannot be used at the kiosk; the sentence tells nothing about whose it is or whether it exists."""

    code = "scheduling.code_not_accepted"


class NotInWindow(Conflict):
    """It is too early or too late to check in without the desk."""

    code = "scheduling.not_in_window"


class NobodyWaits(Conflict):
    """There is nobody to call in this queue."""

    code = "scheduling.nobody_waits"


class StepNotOpen(Conflict):
    """The number is no longer in the state this act starts from."""

    code = "scheduling.step_not_open"


class NotYourQueue(NotPermitted):
    """Another station, or another doctor, calls this number."""

    code = "scheduling.not_your_queue"


class CannotUndo(Conflict):
    """The act is too old, was somebody else's, or something happened since."""

    code = "scheduling.cannot_undo"


class StationInUse(Conflict):
    """People wait at this station, or sessions are planned in it."""

    code = "scheduling.station_in_use"


class NotOnSite(Conflict):
    """Nothing proves that this phone is in the clinic now: no code of a kiosk was scanned, or too long ago."""

    code = "scheduling.not_on_site"


class ReminderNotOpen(Conflict):
    """What a reminder says is no longer true, or the patient wants none."""

    code = "scheduling.reminder_not_open"
