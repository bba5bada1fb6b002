"""What the actions of the audit log are called, for people who read it. A test fails on an action without words."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Sort(TextChoices):
    """What kind of act it is."""

    READ = "read", pgettext_lazy("kind of act", "Read")
    SEARCH = "search", _("Search")
    CREATE = "create", _("Create")
    CHANGE = "change", _("Change")
    REMOVE = "remove", _("Cancel or mark as wrong")
    PRINT = "print", _("Print")
    EXPORT = "export", _("Export")
    SIGN_IN = "sign_in", _("Sign-in and accounts")
    EMERGENCY = "emergency", _("Emergency access")
    SYSTEM = "system", _("System and keys")


class Words(NamedTuple):
    sort: Sort
    label: str | Promise


S = Sort

ACTIONS: dict[str, Words] = {
    "accounts.email.change_requested": Words(S.SIGN_IN, _("Asked for a new e-mail address")),
    "accounts.email.changed": Words(S.SIGN_IN, _("Changed the e-mail address")),
    "accounts.factor.app_added": Words(S.SIGN_IN, _("Added an authenticator app")),
    "accounts.factor.app_removed": Words(S.SIGN_IN, _("Removed an authenticator app")),
    "accounts.factor.codes_made": Words(S.SIGN_IN, _("Made new backup codes")),
    "accounts.factor.passkey_added": Words(S.SIGN_IN, _("Added a passkey")),
    "accounts.factor.passkey_removed": Words(S.SIGN_IN, _("Removed a passkey")),
    "accounts.factor.proven": Words(S.SIGN_IN, _("Proved the second factor")),
    "accounts.factor.refused": Words(S.SIGN_IN, _("Second factor refused")),
    "accounts.factor.renamed": Words(S.SIGN_IN, _("Renamed a device")),
    "accounts.factor_reset.done": Words(S.SIGN_IN, _("Reset a second step, as second person")),
    "accounts.factor_reset.objected": Words(S.SIGN_IN, _("Objected to the reset of the own second step")),
    "accounts.factor_reset.rejected": Words(S.SIGN_IN, _("Refused the reset of a second step")),
    "accounts.factor_reset.requested": Words(S.SIGN_IN, _("Asked to reset a second step")),
    "accounts.form.refused": Words(S.SIGN_IN, _("Form refused (no valid token)")),
    "accounts.invitation.accepted": Words(S.SIGN_IN, _("Accepted the invitation")),
    "accounts.invitation.sent_again": Words(S.SIGN_IN, _("Sent an invitation again")),
    "accounts.lock.lifted": Words(S.SIGN_IN, _("Lifted a lock")),
    "accounts.page.not_found": Words(S.SIGN_IN, _("Page that does not exist for this person")),
    "accounts.page.refused": Words(S.SIGN_IN, _("Page refused")),
    "accounts.password.changed": Words(S.SIGN_IN, _("Changed the password")),
    "accounts.password.link_requested": Words(S.SIGN_IN, _("Asked for a password link")),
    "accounts.password.link_sent": Words(S.SIGN_IN, _("Sent a password link")),
    "accounts.password.reset": Words(S.SIGN_IN, _("Chose a new password by link")),
    "accounts.session.ended": Words(S.SIGN_IN, _("Signed out")),
    "accounts.session.locked": Words(S.SIGN_IN, _("Session locked")),
    "accounts.session.revoked": Words(S.SIGN_IN, _("Ended a session elsewhere")),
    "accounts.session.started": Words(S.SIGN_IN, _("Signed in")),
    "accounts.session.unbound": Words(S.SIGN_IN, _("Session used from another browser, ended")),
    "accounts.session.unlocked": Words(S.SIGN_IN, _("Session unlocked")),
    "accounts.sign_in.refused": Words(S.SIGN_IN, _("Wrong password")),
    "accounts.staff.check_undone": Words(S.SIGN_IN, _("Licence check undone")),
    "accounts.staff.verified": Words(S.SIGN_IN, _("Checked the licences")),
    "accounts.try.locked_out": Words(S.SIGN_IN, _("Locked out after wrong tries")),
    "accounts.user.created": Words(S.SIGN_IN, _("Created an account")),
    "accounts.user.deactivated": Words(S.SIGN_IN, _("Closed an account")),
    "accounts.user.invited": Words(S.SIGN_IN, _("Invited a member of staff")),
    "accounts.user.reactivated": Words(S.SIGN_IN, _("Opened a closed account")),
    "accounts.user.roles_changed": Words(S.SIGN_IN, _("Changed roles")),
    "accounts.user.updated": Words(S.SIGN_IN, _("Changed facts of an account")),
    "audit.archive.read": Words(S.SYSTEM, _("Read an archive of the audit log")),
    "audit.job.failed": Words(S.SYSTEM, _("Job failed")),
    "audit.job.finished": Words(S.SYSTEM, _("Job finished")),
    "audit.job.started": Words(S.SYSTEM, _("Job started")),
    "audit.refusals.counted": Words(S.SYSTEM, _("Refusals, counted")),
    "billing.charge.posted": Words(S.CREATE, _("Posted a charge")),
    "billing.charges.cancelled": Words(S.REMOVE, _("Cancelled charges")),
    "billing.invoice.issued": Words(S.CREATE, _("Issued the bill")),
    "billing.payment.taken": Words(S.CREATE, _("Took a payment")),
    "billing.refund.due": Words(S.CHANGE, _("A refund became due")),
    "billing.refund.paid": Words(S.CHANGE, _("Paid a refund")),
    "consultations.diagnosiscode.added": Words(S.CREATE, _("Added a diagnosis code")),
    "consultations.diagnosiscode.changed": Words(S.CHANGE, _("Changed a diagnosis code")),
    "consultations.diagnosiscode.exported": Words(S.EXPORT, _("Exported diagnosis codes")),
    "consultations.diagnosiscode.imported": Words(S.CHANGE, _("Imported diagnosis codes")),
    "consultations.note.drafted": Words(S.CREATE, _("Began a consultation note")),
    "consultations.note.signed": Words(S.CREATE, _("Signed the consultation note")),
    "consultations.vitals.marked_in_error": Words(S.REMOVE, _("Marked vital signs as wrong")),
    "consultations.vitals.recorded": Words(S.CREATE, _("Recorded vital signs")),
    "core.data_key.rotated": Words(S.SYSTEM, _("Changed the data key")),
    "core.index_key.rotated": Words(S.SYSTEM, _("Changed the index key")),
    "demo.clinic.loaded": Words(S.SYSTEM, _("Loaded the demo clinic")),
    "notifications.email.resent": Words(S.SYSTEM, _("Sent a mail again")),
    "patients.allergies.denied": Words(S.CREATE, _("Recorded that there are no allergies")),
    "patients.allergy.marked_in_error": Words(S.REMOVE, _("Marked an allergy as wrong")),
    "patients.allergy.recorded": Words(S.CREATE, _("Recorded an allergy")),
    "patients.care_team.added": Words(S.CHANGE, _("Joined the care team")),
    "patients.care_team.ended": Words(S.CHANGE, _("Left the care team")),
    "patients.chart.read": Words(S.READ, _("Opened the record")),
    "patients.emergency.alerted": Words(S.EMERGENCY, _("Emergency access is used often")),
    "patients.emergency.ended": Words(S.EMERGENCY, _("Emergency access ended by the person")),
    "patients.emergency.looked_up": Words(S.EMERGENCY, _("Looked for a patient outside the care team")),
    "patients.emergency.reviewed": Words(S.EMERGENCY, _("Reviewed an emergency access")),
    "patients.emergency.started": Words(S.EMERGENCY, _("Emergency access started")),
    "patients.guardian_link.end_announced": Words(S.CHANGE, _("End of the guardian link announced")),
    "patients.guardian_link.ended": Words(S.CHANGE, _("Guardian link ended")),
    "patients.guardian_link.proven": Words(S.CHANGE, _("Guardian proven")),
    "patients.guardian_link.realigned": Words(S.CHANGE, _("End of the guardian link set by the birth date")),
    "patients.guardian_link.rejected": Words(S.CHANGE, _("Guardian rejected")),
    "patients.guardian_link.requested": Words(S.CHANGE, _("Asked to act for the patient")),
    "patients.nik.revealed": Words(S.READ, _("Showed the whole NIK")),
    "patients.paper.printed": Words(S.PRINT, _("Made a paper")),
    "patients.patient.connected": Words(S.CHANGE, _("Connected the record with an account")),
    "patients.patient.registered": Words(S.CREATE, _("Registered the patient")),
    "patients.patient.searched": Words(S.SEARCH, _("Searched patients")),
    "patients.patient.updated": Words(S.CHANGE, _("Changed the identity")),
    "patients.profile.completed": Words(S.CHANGE, _("Completed the profile")),
    "patients.profile.updated": Words(S.CHANGE, _("Changed the profile")),
    "patients.record.rebuilt": Words(S.CREATE, _("Built a lost medical record again")),
    "patients.registration.activated": Words(S.CHANGE, _("Activated the portal account")),
    "patients.registration.rejected": Words(S.CHANGE, _("Rejected the portal registration")),
    "patients.registration.submitted": Words(S.CREATE, _("Signed up for the portal")),
    "pharmacy.allergy_stop.overridden": Words(S.CHANGE, _("Prescribed in spite of an allergy")),
    "pharmacy.medicine.added": Words(S.CREATE, _("Added a medicine")),
    "pharmacy.medicine.changed": Words(S.CHANGE, _("Changed a medicine")),
    "pharmacy.medicine.exported": Words(S.EXPORT, _("Exported medicines")),
    "pharmacy.medicine.imported": Words(S.CHANGE, _("Imported medicines")),
    "pharmacy.prescription.cancelled": Words(S.REMOVE, _("Cancelled the prescription")),
    "pharmacy.prescription.created": Words(S.CREATE, _("Wrote a prescription")),
    "pharmacy.prescription.dispensed": Words(S.CHANGE, _("Handed over the medicines")),
    "pharmacy.prescription.priced": Words(S.CHANGE, _("Confirmed the medicine prices")),
    "pharmacy.stock.received": Words(S.CREATE, _("Received stock")),
    "reports.access_log.viewed": Words(S.SYSTEM, _("Read who saw the record")),
    "reports.alert.raised": Words(S.SYSTEM, _("Unusual access found")),
    "reports.alert.reviewed": Words(S.SYSTEM, _("Unusual access reviewed")),
    "reports.audit.exported": Words(S.EXPORT, _("Exported the audit log")),
    "reports.audit.viewed": Words(S.SYSTEM, _("Read the audit log")),
    "scheduling.appointment.approved": Words(S.CHANGE, _("Approved the appointment")),
    "scheduling.appointment.booked": Words(S.CREATE, _("Booked an appointment")),
    "scheduling.appointment.cancelled": Words(S.REMOVE, _("Cancelled the appointment")),
    "scheduling.appointment.no_show": Words(S.CHANGE, _("Did not come")),
    "scheduling.appointment.rejected": Words(S.REMOVE, _("Rejected the appointment")),
    "scheduling.appointment.reminded": Words(S.CHANGE, _("Reminded of the appointment")),
    "scheduling.service.added": Words(S.CREATE, _("Added a service")),
    "scheduling.service.changed": Words(S.CHANGE, _("Changed a service")),
    "scheduling.service.exported": Words(S.EXPORT, _("Exported services")),
    "scheduling.service.imported": Words(S.CHANGE, _("Imported services")),
    "scheduling.session.approved": Words(S.CHANGE, _("Approved a practice session")),
    "scheduling.session.completed": Words(S.CHANGE, _("Closed a practice session")),
    "scheduling.session.completion_requested": Words(S.CHANGE, _("Asked to close a practice session")),
    "scheduling.session.proposed": Words(S.CREATE, _("Proposed a practice session")),
    "scheduling.session.rejected": Words(S.CHANGE, _("Rejected a practice session")),
    "scheduling.ticket.called": Words(S.CHANGE, _("Called the patient")),
    "scheduling.visit.checked_in": Words(S.CREATE, _("Checked in")),
    "scheduling.visit.moved": Words(S.CHANGE, _("Moved the visit on")),
    "scheduling.visit.walked_in": Words(S.CREATE, _("Came without a booking")),
    "support.message.answered": Words(S.CREATE, _("Answered a message")),
    "support.message.read": Words(S.READ, _("Read a message")),
    "support.message.sent": Words(S.CREATE, _("Sent a message")),
    "workspace.visit.confirmed": Words(S.CHANGE, _("Confirmed the visit")),
}


def words_of(action: str) -> Words:
    """Return the words of an action; one that has none yet is shown as it is written."""
    return ACTIONS.get(action) or Words(S.SYSTEM, action)


def actions_of(sort: str) -> list[str]:
    """Return the actions of one sort."""
    return sorted(action for action, words in ACTIONS.items() if words.sort == sort)
