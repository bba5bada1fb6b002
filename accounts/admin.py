"""What the back office shows of accounts and of the audit log; neither is changed here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

import audit
from accounts.access import Capability
from accounts.back_office import ReadOnlyAdmin
from accounts.models import User
from audit.models import AuditEvent


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Accounts, without names, which are encrypted. They are changed on the users page, with its rules."""

    needs = Capability.MANAGE_USERS
    fields = ("username", "email", "kind", "is_active", "must_change_password", "language", "created_at")
    list_display = ("username", "email", "kind", "is_active", "must_change_password", "created_at")
    list_filter = ("kind", "is_active", "must_change_password")
    search_fields = ("username", "email")
    ordering = ("username",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        # Names, passwords and the rest are not read at all, so nothing of them can be shown by mistake.
        return super().get_queryset(request).only("id", *self.fields)


class AreaFilter(admin.SimpleListFilter):
    """Actions by the part of the product they belong to."""

    title = _("area")
    parameter_name = "area"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        areas = ("accounts", "patients", "scheduling", "consultations", "pharmacy", "billing", "support")
        return [(area, area) for area in areas]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(action__startswith=f"{self.value()}.") if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """The audit log, newest first."""

    needs = Capability.VIEW_AUDIT
    fields = (
        "id", "at", "action", "actor_id", "actor_name", "actor_roles", "patient_id", "target_type", "target_id", "detail",
        "request_id", "address_hash",
    )  # fmt: skip
    list_display = ("at", "action", "actor_name", "actor_roles", "patient_id", "target_type", "target_id")
    list_filter = (AreaFilter,)
    search_fields = ("action",)
    search_help_text = _("An action such as patients.chart.read, a patient's or person's id, or a staff member's name.")
    ordering = ("-id",)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Reading the log is an act too, as on the page of the log."""
        with transaction.atomic():
            audit.record("reports.audit.viewed", actor=request.user, detail={"where": "back_office"})
        return super().changelist_view(request, extra_context)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Match by index: the beginning of an action, an id, or a whole name; never a search inside every row."""
        text = search_term.strip()
        if not text:
            return queryset, False
        try:
            key = UUID(text)
        except ValueError:
            return queryset.filter(Q(action__startswith=text.lower()) | Q(actor_name=text)), False
        return queryset.filter(Q(patient_id=key) | Q(actor_id=key) | Q(target_id=str(key))), False
