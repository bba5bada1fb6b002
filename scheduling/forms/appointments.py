"""Forms of bookings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.money import format_rupiah
from scheduling.forms.fields import CleanTextField, ComplaintForm, DayField, DoctorField, FilterForm
from scheduling.forms.portal import ServiceField
from scheduling.models import Appointment, Service, Stage, Station, Visit, WaitlistEntry


class BookingForm(ComplaintForm):
    """A time and a complaint; the key makes a double click one booking. Everything else comes from the slot."""

    slot = forms.UUIDField(label=_("Time"), error_messages={"required": _("Choose a time.")}, widget=forms.HiddenInput)
    idempotency_key = forms.UUIDField(widget=forms.HiddenInput)


class ExtraServicesField(forms.TypedMultipleChoiceField):
    """Further services of one visit, with price and minutes; none is the usual answer."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Further services"), required=False, coerce=UUID, choices=[], widget=forms.CheckboxSelectMultiple
        )

    def offer(self, services: Iterable[Service]) -> None:
        """Let these be chosen."""
        self.choices = [(str(service.pk), _extra_label(service)) for service in services]


class SourceField(forms.ChoiceField):
    """How somebody asked the desk for a time; at the reception when nothing is said."""

    def __init__(self) -> None:
        super().__init__(
            label=_("The patient asks"), required=False, initial=Appointment.Source.RECEPTION, widget=forms.RadioSelect,
            choices=[
                (Appointment.Source.RECEPTION, _("at the reception")),
                (Appointment.Source.PHONE, _("on the telephone")),
            ],
        )  # fmt: skip

    def clean(self, value: Any) -> Any:
        return super().clean(value) or Appointment.Source.RECEPTION


class DeskBookingForm(BookingForm):
    """A booking at the desk or on the telephone, for one or several services."""

    extra = ExtraServicesField()
    source = SourceField()

    def __init__(self, *args: Any, services: Iterable[Service] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(ExtraServicesField, self.fields["extra"]).offer(services)


class FollowUpForm(BookingForm):
    """The next visit, booked by the doctor into a time of their own."""

    extra = ExtraServicesField()

    def __init__(self, *args: Any, services: Iterable[Service] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(ExtraServicesField, self.fields["extra"]).offer(services)


class CodeForm(forms.Form):
    """A booking code, as it stands on the patient's card; case and spaces do not matter."""

    code = CleanTextField(
        label=_("Booking code"), min_length=4, max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )  # fmt: skip

    def clean_code(self) -> str:
        return "".join(self.cleaned_data["code"].split()).replace("-", "").upper()


class WaitlistFilterForm(FilterForm):
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("Waiting or offered")), *WaitlistEntry.Status.choices]
    )
    service = ServiceField()
    doctor = DoctorField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_filters(self)


class WalkInForm(ComplaintForm):
    """A patient who is here without an appointment."""

    choice = forms.ChoiceField(label=_("Doctor and service"))
    extra = ExtraServicesField()
    priority = forms.ChoiceField(
        label=_("Priority"), choices=Visit.Priority.choices, required=False,
        help_text=_("Goes before others in the queue; the number stays in order."),
    )  # fmt: skip

    field_order = ["choice", "extra", "complaint", "priority"]

    def __init__(
        self, *args: Any, pairs: list[tuple[User, list[Service]]], waiting: dict[UUID, int], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["choice"]).choices = [("", _("Choose"))] + [
            (
                doctor.display_name,
                [
                    (f"{doctor.pk}:{service.pk}", _label(doctor, service, waiting.get(doctor.pk, 0)))
                    for service in services
                ],
            )
            for doctor, services in pairs
        ]
        every = {service.pk: service for _doctor, services in pairs for service in services}
        cast(ExtraServicesField, self.fields["extra"]).offer(every.values())

    def ids(self) -> tuple[UUID, UUID]:
        """Return the ids of the chosen doctor and service."""
        doctor_id, service_id = self.cleaned_data["choice"].split(":")
        return UUID(doctor_id), UUID(service_id)


def _offer_filters(form: FilterForm) -> None:
    cast(DoctorField, form.fields["doctor"]).queryset = User.objects.doctors()
    service = cast(ServiceField, form.fields["service"])
    service.queryset, service.empty_label, service.required = Service.objects.all(), _("All"), False


def _extra_label(service: Service) -> str:
    return _("%(service)s (%(price)s, %(minutes)d minutes)") % {
        "service": service.name, "price": format_rupiah(service.price_idr), "minutes": service.duration_minutes,
    }  # fmt: skip


def _label(doctor: User, service: Service, waiting: int) -> str:
    return _("%(service)s – %(doctor)s (%(waiting)d waiting)") % {
        "service": service.name, "doctor": doctor.display_name, "waiting": waiting,
    }  # fmt: skip


class PatientSearchForm(forms.Form):
    """Words to find a patient by; sent by POST, so that they stay out of addresses."""

    q = CleanTextField(
        label=_("Find a patient"),
        min_length=2,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )


class AppointmentFilterForm(FilterForm):
    view = forms.CharField(required=False, widget=forms.HiddenInput)  # the tab stays the same when filters are applied
    status = forms.ChoiceField(label=_("Status"), required=False, choices=[("", _("All")), *Appointment.Status.choices])
    day = DayField(label=_("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    doctor = DoctorField()
    service = ServiceField()
    room = forms.ModelChoiceField(
        label=_("Room"), required=False, queryset=Station.objects.none(), empty_label=_("All")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_filters(self)
        room = cast(forms.ModelChoiceField, self.fields["room"])
        room.queryset = Station.objects.filter(stage=Stage.DOCTOR)
