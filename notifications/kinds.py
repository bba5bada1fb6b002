"""Kinds of notices: the sentence of each, made when it is read, in the reader's language.

A sentence names numbers, dates and queue labels, never a patient. The name of a parameter says how it is written:
`…_at` an instant, `…_on` a date, `…_idr` rupiah, everything else as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.utils import formats, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core import clock, money


@dataclass(frozen=True)
class Kind:
    """One kind: the sentence, its look, and the page it leads to when the caller gives none (a URL name)."""

    sentence: str | Promise
    icon: str = "bell"
    tone: str = "neutral"
    url_name: str = ""

    @cached_property
    def param_names(self) -> frozenset[str]:
        """Names of the parameters that the sentence needs."""
        with translation.override(None):
            return frozenset(re.findall(r"%\((\w+)\)s", str(self.sentence)))


KINDS: dict[str, Kind] = {
    # accounts and patients
    "session_unbound": Kind(
        _("Your sign-in was used from another browser and has been ended. If that was not you, change your password."),
        "alert-triangle",
        "danger",
        "accounts:session-list",
    ),
    "registration_waiting": Kind(_("A new portal registration is waiting for activation."), "user-plus", "accent"),
    "account_activated": Kind(
        _("Your account is active. Your record number is %(record_number)s."), "check-circle", "success"
    ),
    # the second step of signing in
    "factor_app_added": Kind(_("An authenticator app was added to your account."), "shield", "info"),
    "factor_app_removed": Kind(_("An authenticator app was removed from your account."), "shield", "warning"),
    "factor_passkey_added": Kind(_("A passkey was added to your account."), "shield", "info"),
    "factor_passkey_removed": Kind(_("A passkey was removed from your account."), "shield", "warning"),
    "factor_codes_made": Kind(_("New backup codes were made. The ones before do not work any more."), "key", "info"),
    "backup_code_used": Kind(_("A backup code was used to sign in. Unused codes left: %(left)s."), "key", "warning"),
    "backup_codes_few": Kind(
        _("A backup code was used to sign in. Unused codes left: %(left)s. Make new ones now."), "key", "danger"
    ),
    "factor_reset_asked": Kind(
        _("Somebody asked to remove the second step of your sign-in. If it was not you, call the clinic now."),
        "alert-triangle",
        "danger",
    ),
    "factor_reset_waiting": Kind(_("A reset of somebody's second step waits for a decision."), "shield", "accent"),
    "factor_reset_objected": Kind(
        _("Somebody says that they did not ask for the reset of their second step. Find out who asked, and why."),
        "alert-triangle",
        "danger",
    ),
    "factor_reset_done": Kind(_("The second step of your sign-in was reset by the clinic."), "shield", "warning"),
    "factor_reset_rejected": Kind(
        _("The reset of your second step was refused. Nothing has changed."), "shield", "info"
    ),
    "passkey_copied": Kind(
        _("Your passkey %(device)s was refused: a copy of it may be in use. Remove it and call the clinic."),
        "alert-triangle",
        "danger",
    ),
    # guardian links: for the guardian, and ("for me") for the patient
    "guardian_requested": Kind(_("A request to act for a family member waits for proof."), "users", "accent"),
    "guardian_active": Kind(
        _("You can now act for another person in the portal. Choose the person at the top of the page."),
        "check-circle",
        "success",
    ),
    "guardian_active_for_me": Kind(_("Another account can now see your record and act for you."), "users", "info"),
    "guardian_rejected": Kind(
        _("Your request to act for a family member was refused. The page of your family says why."),
        "x-circle",
        "danger",
    ),
    "guardian_ending": Kind(
        _("From %(ends_on)s you can no longer act for a person you look after."), "calendar", "warning"
    ),
    "guardian_ending_for_me": Kind(
        _("From %(ends_on)s another account can no longer see your record."), "calendar", "info"
    ),
    "guardian_ended": Kind(_("You can no longer act for a person you looked after."), "x-circle", "warning"),
    "guardian_ended_for_me": Kind(_("Another account can no longer see your record."), "x-circle", "info"),
    "records_merged": Kind(
        _(
            "The clinic brought two records of one person together. Look through what you see, and tell us what is not right."
        ),
        "users",
        "info",
        "patients:portal-profile",
    ),
    "consent_changed": Kind(
        _("The clinic recorded what you agreed to or refused. You can read and change it in the portal."),
        "signature",
        "info",
    ),
    "invitation_accepted": Kind(
        _("A new member of staff accepted the invitation. Please check their licences."), "user-check", "accent"
    ),
    # requests about personal data
    "data_request_received": Kind(
        _("Request %(number)s about personal data came in. Answer it before %(due_at)s."), "shield", "accent"
    ),
    "data_request_due": Kind(
        _("Request %(number)s about personal data must be answered before %(due_at)s."), "hourglass", "warning"
    ),
    "data_request_overdue": Kind(
        _("Request %(number)s about personal data is overdue. The law gives 72 hours."), "alert-triangle", "danger"
    ),
    "data_request_answered": Kind(
        _("Your request %(number)s about personal data was answered. Its page shows the answer."), "shield", "info"
    ),
    "licences_ending": Kind(
        _("Practice licences (SIP) that have ended or end within 90 days: %(count)s."), "alert-triangle", "warning"
    ),
    "missing_records": Kind(
        _("Portal accounts without a complete medical record: %(count)s."), "alert-triangle", "warning"
    ),
    "breach_recorded": Kind(
        _("A failure to protect personal data was entered. Notices are due by %(due_at)s."),
        "alert-triangle",
        "danger",
        "patients:breach-list",
    ),
    "breach_due": Kind(
        _("Notices about a failure to protect personal data are due by %(due_at)s."),
        "clock",
        "danger",
        "patients:breach-list",
    ),
    "retention_due": Kind(
        _("Records past their legal time: %(count)s. Somebody must decide about them."),
        "hourglass",
        "warning",
        "patients:retention-list",
    ),
    "integrity_findings": Kind(
        _("The nightly check of the records found something new that is wrong."),
        "alert-triangle",
        "danger",
        "patients:integrity",
    ),
    "files_missing": Kind(
        _("Stored files whose content is gone: %(count)s. Restore them from the backup of the files."),
        "alert-triangle",
        "danger",
    ),
    "files_wrong_storage": Kind(
        _("Most stored files belong to another database, so none were tidied. Check the settings of the file storage."),
        "alert-triangle",
        "danger",
    ),
    "unusual_access": Kind(
        _("Somebody's access to records is unusual. Please look at it."), "alert-triangle", "warning"
    ),
    # practice sessions
    "session_proposed": Kind(_("%(doctor)s proposed a practice session on %(practice_on)s."), "calendar", "accent"),
    "session_approved": Kind(_("Your practice session on %(practice_on)s was approved."), "check-circle", "success"),
    "session_rejected": Kind(
        _("Your practice session on %(practice_on)s was rejected: %(reason)s"), "x-circle", "danger"
    ),
    "session_completion_requested": Kind(
        _("%(doctor)s asks to close the practice session of %(practice_on)s."), "calendar", "accent"
    ),
    "session_completed": Kind(_("Your practice session of %(practice_on)s was closed."), "check-circle", "success"),
    "session_changed": Kind(
        _("Your practice session of %(practice_on)s has new times or another room."), "calendar", "info"
    ),
    "session_cancelled": Kind(
        _("Your practice session of %(practice_on)s was cancelled. Reason: %(reason)s"), "ban", "warning"
    ),
    "series_proposed": Kind(_("%(doctor)s proposed weekly sessions from %(first_on)s."), "calendar", "accent"),
    "series_approved": Kind(
        _("Your weekly sessions from %(first_on)s were approved: %(approved)s of %(total)s."), "check-circle", "success"
    ),
    "series_rejected": Kind(
        _("Your weekly sessions from %(first_on)s were rejected. Reason: %(reason)s"), "x-circle", "danger"
    ),
    "series_ended": Kind(_("Your weekly sessions from %(first_on)s end on %(last_on)s."), "ban", "warning"),
    "time_off_entered": Kind(_("Time off was entered for you, from %(first_on)s to %(last_on)s."), "calendar", "info"),
    "time_off_taken": Kind(_("%(doctor)s is off from %(first_on)s to %(last_on)s."), "calendar", "info"),
    # appointments, for staff
    "appointment_requested": Kind(
        _("A booking with %(doctor)s for %(starts_at)s is waiting for approval."), "calendar", "accent"
    ),
    "appointment_booked": Kind(_("You have a new booking for %(starts_at)s."), "calendar", "primary"),
    "appointment_withdrawn": Kind(
        _("The booking with %(doctor)s for %(starts_at)s was cancelled."), "calendar", "warning"
    ),
    "appointment_moved_away": Kind(
        _("A booking with %(doctor)s was moved from %(old_starts_at)s to %(starts_at)s."), "calendar", "warning"
    ),
    # appointments, for the patient
    "appointment_received": Kind(
        _("We received your booking with %(doctor)s for %(starts_at)s. Please wait for our confirmation."),
        "calendar",
        "info",
    ),
    "appointment_approved": Kind(
        _("Your booking with %(doctor)s for %(starts_at)s is confirmed."), "check-circle", "success"
    ),
    "appointment_rejected": Kind(
        _("Your booking with %(doctor)s for %(starts_at)s could not be confirmed. Its page says why."),
        "x-circle",
        "danger",
    ),
    "appointment_cancelled": Kind(
        _("Your booking with %(doctor)s for %(starts_at)s was cancelled."), "x-circle", "warning"
    ),
    "appointment_moved": Kind(_("Your booking with %(doctor)s was moved to %(starts_at)s."), "calendar", "info"),
    "appointment_expired": Kind(
        _("Your booking with %(doctor)s for %(starts_at)s was not confirmed in time. Please choose another time."),
        "hourglass",
        "warning",
    ),
    "waitlist_offered": Kind(
        _("A time is free for you: %(starts_at)s with %(doctor)s. Please answer before %(held_until_at)s."),
        "bell",
        "accent",
    ),
    "waitlist_ended": Kind(_("No time became free before your last day on the waiting list."), "hourglass", "neutral"),
    "appointment_reminder": Kind(_("Reminder: you have a booking with %(doctor)s on %(starts_at)s."), "clock", "info"),
    # the visit
    "patient_arrived": Kind(_("Queue number %(queue)s has arrived."), "users", "primary"),
    "patient_waiting": Kind(_("Queue number %(queue)s is ready for you."), "users", "primary"),
    "patient_called": Kind(_("Queue number %(queue)s: please come to %(room)s."), "bell", "accent"),
    "visit_cancelled": Kind(_("The visit with queue number %(queue)s was cancelled."), "x-circle", "warning"),
    "visit_finished": Kind(
        _("Your visit of %(visited_on)s is finished. Thank you and get well soon."), "check-circle", "success"
    ),
    # pharmacy
    "prescription_new": Kind(_("A new prescription for queue number %(queue)s is waiting."), "pill", "accent"),
    "prescription_priced": Kind(
        _("The prices of the prescription for queue number %(queue)s are confirmed."), "pill", "primary"
    ),
    "prescription_paid": Kind(
        _("The bill of queue number %(queue)s is paid. The medicines may be handed over."), "pill", "success"
    ),
    "prescription_cancelled": Kind(_("The prescription for queue number %(queue)s was cancelled."), "pill", "warning"),
    "prescription_ready": Kind(
        _("Your medicines are ready. Please pay, then collect them at the pharmacy."), "pill", "success"
    ),
    "stock_low": Kind(_("%(medicine)s is running low: %(quantity)s left."), "alert-triangle", "warning"),
    # billing
    "bill_waiting": Kind(
        _("A bill of %(amount_idr)s for queue number %(queue)s is waiting for payment."), "wallet", "accent"
    ),
    "bill_issued": Kind(_("Your bill %(invoice_number)s of %(amount_idr)s is ready."), "wallet", "info"),
    "payment_received": Kind(
        _("We received your payment of %(amount_idr)s for %(invoice_number)s."), "wallet", "success"
    ),
    "payment_reminder": Kind(_("Your bill %(invoice_number)s of %(amount_idr)s is not paid yet."), "wallet", "warning"),
    "refund_due": Kind(_("%(amount_idr)s of bill %(invoice_number)s is to be paid back."), "wallet", "warning"),
    # support
    "support_message": Kind(_("A new message is waiting in the support inbox."), "chat", "accent"),
    "support_reply": Kind(_("The clinic answered your message."), "chat", "primary"),
    "chat_message": Kind(_("A new message from %(sender)s."), "chat", "primary"),
    # emergency access
    "emergency_started": Kind(
        _("%(person)s used emergency access at %(started_at)s. Please review it."), "alert-triangle", "danger"
    ),
    "emergency_often": Kind(
        _("%(person)s used emergency access %(count)s times today. Please look into it now."),
        "alert-triangle",
        "danger",
    ),
    "emergency_overdue": Kind(
        _("Emergency accesses without a review for more than 3 days: %(count)s."), "alert-triangle", "danger"
    ),
    "emergency_justified": Kind(
        _("Your emergency access of %(started_at)s was reviewed and found justified."), "check-circle", "success"
    ),
    "emergency_not_justified": Kind(
        _("Your emergency access of %(started_at)s was reviewed and found not justified."), "alert-triangle", "warning"
    ),
    # background work
    "job_done": Kind(_("Your background work is done."), "check-circle", "success"),
    "job_failed": Kind(_("Your background work failed. Its page says why."), "alert-circle", "danger"),
    # mail
    "email_failed": Kind(_("A mail could not be sent. Please look at the list of mails."), "alert-triangle", "warning"),
    "email_uncertain": Kind(
        _("It is not known whether a mail was sent. Please look at the list of mails."), "alert-triangle", "warning"
    ),
}


def checked_params(kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return `params` as JSON values.

    Raises:
        ValueError: the kind is unknown, or its sentence needs other parameters.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of notice: {kind}")
    names = KINDS[kind].param_names
    if set(params) != names:
        raise ValueError(f"notice {kind} needs the parameters {sorted(names)}, got {sorted(params)}")
    return {name: _to_json(value) for name, value in params.items()}


def text_of(kind: str, params: Mapping[str, Any]) -> str:
    """Return the sentence in the active language; a row of an unknown kind (older version) gives ''."""
    known = KINDS.get(kind)
    if known is None or not known.param_names <= set(params):
        return ""
    return str(known.sentence) % {name: _shown(name, params[name]) for name in known.param_names}


def _to_json(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)


def _shown(name: str, value: Any) -> str:
    if name.endswith("_at"):
        moment = clock.local(datetime.fromisoformat(value))
        return f"{formats.date_format(moment, 'SHORT_DATE_FORMAT')}, {formats.time_format(moment)} {clock.zone_label()}"
    if name.endswith("_on"):
        return formats.date_format(date.fromisoformat(value), "DATE_FORMAT")
    if name.endswith("_idr"):
        return money.format_rupiah(value)
    return str(value)
