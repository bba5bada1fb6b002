"""The sheet of services in the back office: who gives a service goes out and comes back."""

import pytest
from tablib import Dataset

from scheduling.admin import ServiceResource
from scheduling.models import Service
from tests.factories.accounts import DoctorFactory, UserFactory
from tests.factories.scheduling import ServiceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def service(cast):
    made = ServiceFactory(code="EKG")
    made.doctors.set([cast.doctor])
    return made


def send(**row):
    sheet = Dataset(headers=list(row))
    sheet.append(list(row.values()))
    return ServiceResource().import_data(sheet)


def doctors_of(code):
    return set(Service.objects.get(code=code).doctors.values_list("username", flat=True))


def refusal(result):
    [row] = result.invalid_rows
    return row.field_specific_errors["doctors"][0]


def test_what_goes_out_comes_back(cast, service):
    service.doctors.add(cast.other_doctor)
    sheet = ServiceResource().export(Service.objects.all())
    assert sheet.dict[0]["doctors"] == "dr.budi, dr.rina"
    service.doctors.clear()
    ServiceResource().import_data(sheet)
    assert doctors_of("EKG") == {"dr.budi", "dr.rina"}
    assert ServiceResource().import_data(sheet).totals["skip"] == 1


def test_doctors_are_exchanged_emptied_and_left_alone(cast, service):
    assert cast.other_doctor.username == "dr.budi"
    send(code="EKG", doctors=" DR.Budi,, dr.budi ")
    assert doctors_of("EKG") == {"dr.budi"}
    send(code="EKG", price_idr="90000")
    assert (doctors_of("EKG"), Service.objects.get().price_idr) == ({"dr.budi"}, 90_000)
    send(code="EKG", doctors="")
    assert doctors_of("EKG") == set()


def test_a_new_service_comes_with_its_doctors(cast):
    assert cast.doctor.username == "dr.rina"
    new = {"name_id": "USG", "name_en": "USG", "specialty": "umum", "price_idr": 1, "queue_prefix": "U"}
    send(code="USG", duration_minutes=30, booking_mode="instant", is_active=1, doctors="dr.rina", **new)
    assert doctors_of("USG") == {"dr.rina"}


def test_who_is_no_doctor_is_named_and_nothing_changes(cast, service):
    UserFactory(username="perawat")
    DoctorFactory(username="dr.lama", is_active=False)
    sentence = refusal(send(code="EKG", doctors="dr.rina, perawat, dr.lama, dr.siapa"))
    assert "perawat, dr.lama, dr.siapa" in sentence
    assert doctors_of("EKG") == {"dr.rina"}


def test_a_doctor_who_left_stays_with_what_names_them(cast, service):
    service.doctors.add(DoctorFactory(username="dr.lama", is_active=False))
    sheet = ServiceResource().export(Service.objects.all())
    assert not ServiceResource().import_data(sheet).invalid_rows
    assert doctors_of("EKG") == {"dr.lama", "dr.rina"}
