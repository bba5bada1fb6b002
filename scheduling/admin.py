"""Back office: services with their prices, holidays, hours."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from accounts.back_office import ImportExportReferenceAdmin, ReferenceAdmin, ReferenceResource
from accounts.models import User
from scheduling.forms.sessions import day_input, time_input
from scheduling.models import ClinicHours, Holiday, Service
from scheduling.services.closures import refresh_year_ahead


class ServiceResource(ReferenceResource):
    """Services as a sheet; the code says which row a line is about."""

    class Meta(ReferenceResource.Meta):
        model = Service
        import_id_fields = ("code",)
        fields = (
            "code",
            "name_id",
            "name_en",
            "specialty",
            "duration_minutes",
            "price_idr",
            "booking_mode",
            "queue_prefix",
            "is_active",
        )
        export_order = fields


@admin.register(Service)
class ServiceAdmin(ImportExportReferenceAdmin):
    """A changed price counts for bookings from now on; what was booked keeps its price."""

    resource_classes = [ServiceResource]
    list_display = ("code", "name_id", "specialty", "price_idr", "booking_mode", "queue_prefix", "is_active")
    list_filter = ("specialty", "booking_mode", "is_active")
    search_fields = ("code", "name_id", "name_en")
    ordering = ("specialty", "code")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Doctors only: the list of all accounts holds the patients of the portal."""
        if db_field.name == "doctors":
            kwargs["queryset"] = User.objects.doctors()
        return super().formfield_for_manytomany(db_field, request, **kwargs)


# Django's own date widget brings a script, and its template lies where forms of the product do not look.
DATES_AND_TIMES: dict[type[models.Field], dict[str, Any]] = {
    models.DateField: {"widget": day_input()},
    models.TimeField: {"widget": time_input()},
}


class HolidayResource(ReferenceResource):
    """Holidays as a sheet, for the yearly decree; the date says which row a line is about."""

    def after_import(self, dataset: Any, result: Any, **kwargs: Any) -> None:
        """Close the times of new holidays; bookings on them are then listed on the page of closed times."""
        super().after_import(dataset, result, **kwargs)
        if not kwargs.get("dry_run"):
            refresh_year_ahead()

    class Meta(ReferenceResource.Meta):
        model = Holiday
        import_id_fields = ("date",)
        fields = ("date", "name", "kind", "closes_clinic")
        export_order = fields


@admin.register(Holiday)
class HolidayAdmin(ImportExportReferenceAdmin):
    """Times of new holidays close at once; bookings on them are then listed on the page of closed times."""

    resource_classes = [HolidayResource]
    formfield_overrides = DATES_AND_TIMES
    list_display = ("date", "name", "kind", "closes_clinic")
    list_filter = ("kind", "closes_clinic")
    search_fields = ("name",)
    ordering = ("-date",)

    def save_model(self, request: HttpRequest, obj: models.Model, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        refresh_year_ahead()


@admin.register(ClinicHours)
class ClinicHoursAdmin(ReferenceAdmin):
    """The variants of the clinic's hours; the staff page offers examples."""

    formfield_overrides = DATES_AND_TIMES
    list_display = ("name", "weekdays", "first_on", "last_on", "opens_at", "closes_at", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name",)
    ordering = ("name",)
