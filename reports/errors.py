"""Broken rules of reports."""

from __future__ import annotations

from core.errors import Conflict, InvalidInput


class AlertReviewed(Conflict):
    code = "reports.alert_reviewed"


class NoteMissing(InvalidInput):
    code = "reports.note_missing"
