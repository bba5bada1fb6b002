"""Back office: services with their prices, holidays, hours."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.utils.translation import gettext as _
from import_export.fields import Field
from import_export.widgets import ManyToManyWidget

from accounts.back_office import ImportExportReferenceAdmin, ReferenceAdmin, ReferenceResource
from accounts.models import User
from scheduling.forms.sessions import day_input, time_input
from scheduling.models import ClinicHours, Holiday, Service
from scheduling.services.closures import refresh_year_ahead


class DoctorsWidget(ManyToManyWidget):
    """Accounts by their user names, separated by commas; capitals and spaces do not matter."""

    def __init__(self) -> None:
        super().__init__(User, field="username")

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> models.QuerySet[User]:
        return _called(User.objects.all(), self.names(value))

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return ", ".join(sorted(user.username for user in value.all())) if value is not None else ""

    @staticmethod
    def names(value: Any) -> list[str]:
        """Return the user names of a cell, each once."""
        names = (name.strip().lower() for name in str(value or "").split(","))
        return [name for name in dict.fromkeys(names) if name]


class ServiceResource(ReferenceResource):
    """Services as a sheet; the code says which row a line is about. A sheet without doctors leaves them as they are."""

    doctors = Field("doctors", "doctors", widget=DoctorsWidget(), m2m_add=False)

    def import_instance(self, instance: Service, row: Any, **kwargs: Any) -> None:
        """Refuse names of nobody: a service that names no doctor is given by all of its specialty."""
        super().import_instance(instance, row, **kwargs)
        names = DoctorsWidget.names(row.get("doctors"))
        rows = (*_called(User.objects.doctors(), names), *instance.doctors.all())
        known = {user.username.lower() for user in rows}
        if unknown := [name for name in names if name not in known]:
            sentence = _("No active doctor has the user name %(names)s. Write user names, separated by commas.")
            raise ValidationError({"doctors": sentence % {"names": ", ".join(unknown)}})

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
            "doctors",
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


def _called(users: models.QuerySet[User], names: list[str]) -> models.QuerySet[User]:
    return users.annotate(lowered=Lower("username")).filter(lowered__in=names)


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
