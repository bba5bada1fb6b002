"""Back office: the services of the clinic with their prices."""

from __future__ import annotations

from django.contrib import admin

from accounts.back_office import ImportExportReferenceAdmin, ReferenceResource
from scheduling.models import Service


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
