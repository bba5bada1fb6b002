"""Back office: that records exist, not whose they are. Identity is read on the staff pages, where reading is audited."""

from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from accounts.back_office import ReadOnlyAdmin
from patients.models import Patient

COLUMNS = ("record_number", "status", "allergy_status", "guarantor", "created_at")


@admin.register(Patient)
class PatientAdmin(ReadOnlyAdmin):
    list_display = COLUMNS
    list_filter = ("status", "allergy_status", "guarantor")
    search_fields = ("record_number",)
    fields = (*COLUMNS, "version")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        # Identity columns are not read at all, so nothing of them can be shown by mistake.
        return super().get_queryset(request).only("id", *self.fields)
