"""Forms of the clinic's day, one module an area."""

from scheduling.forms.absences import (
    HolidayForm,
    HoursForm,
    TimeOffFilterForm,
    TimeOffForm,
)
from scheduling.forms.appointments import (
    AppointmentFilterForm,
    BookingForm,
    CodeForm,
    DeskBookingForm,
    FollowUpForm,
    PatientSearchForm,
    WaitlistFilterForm,
    WalkInForm,
)
from scheduling.forms.catalogue import ServiceForm
from scheduling.forms.families import FamilyForm, FamilySeatForm, FamilyServicesForm
from scheduling.forms.fields import (
    CleanTextField,
    ComplaintForm,
    DayField,
    DayForm,
    DoctorField,
    FilterForm,
    ReasonForm,
)
from scheduling.forms.queue import QueueFilterForm
from scheduling.forms.sessions import (
    CUSTOM_GAP,
    DelayForm,
    SeriesEndForm,
    SeriesForm,
    SessionChangeForm,
    SessionFilterForm,
    SessionForm,
)

__all__ = [
    "CUSTOM_GAP",
    "AppointmentFilterForm",
    "BookingForm",
    "CleanTextField",
    "CodeForm",
    "ComplaintForm",
    "DayField",
    "DayForm",
    "DelayForm",
    "DeskBookingForm",
    "DoctorField",
    "FamilyForm",
    "FamilySeatForm",
    "FamilyServicesForm",
    "FilterForm",
    "FollowUpForm",
    "HolidayForm",
    "HoursForm",
    "PatientSearchForm",
    "QueueFilterForm",
    "ReasonForm",
    "SeriesEndForm",
    "SeriesForm",
    "ServiceForm",
    "SessionChangeForm",
    "SessionFilterForm",
    "SessionForm",
    "TimeOffFilterForm",
    "TimeOffForm",
    "WaitlistFilterForm",
    "WalkInForm",
]  # fmt: skip
