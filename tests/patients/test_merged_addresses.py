"""Old addresses of merged records, and the patient's own list of who saw the record."""

import pytest
from django.urls import reverse

from patients.models import CareTeamMember, Patient
from patients.services import record_chart_read
from patients.services.merging import merge_patients
from reports import access_log
from tests.factories.patients import PatientFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def records(cast):
    kept = PatientFactory(full_name="Siti Aminah", care_team=[cast.doctor])
    old = PatientFactory(full_name="Siti Aminah", care_team=[cast.nurse])
    record_chart_read(patient=old, actor=cast.nurse, what="identity")
    merge_patients(survivor_id=kept.pk, merged_id=old.pk, values={}, reason="Orang yang sama", actor=cast.admin)
    return kept, old


@pytest.mark.parametrize("route", ["detail", "edit", "allergies", "guardians"])
def test_an_old_page_leads_to_the_same_page_of_the_survivor(cast, client_for, records, route):
    kept, old = records
    client = client_for(cast.receptionist)
    answer = client.get(reverse(f"patients:{route}", args=[old.pk]))
    assert (answer.status_code, answer["Location"]) == (302, reverse(f"patients:{route}", args=[kept.pk]))
    assert "no-store" in answer["Cache-Control"]
    assert old.record_number in client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize("who", ["doctor", "nurse"])
def test_care_on_either_record_is_care_on_both(cast, client_for, records, who):
    kept, old = records
    answer = client_for(getattr(cast, who)).get(reverse("patients:detail", args=[old.pk]))
    assert answer["Location"] == reverse("patients:detail", args=[kept.pk])


def test_who_may_not_see_the_survivor_learns_nothing(cast, client_for, records):
    kept, old = records
    assert client_for(cast.other_doctor).get(reverse("patients:detail", args=[old.pk])).status_code == 404
    assert client_for(cast.owner).get(reverse("patients:detail", args=[old.pk])).status_code == 403
    # A care row that stayed with the old record opens nothing.
    CareTeamMember.objects.create(
        patient=old, member=CareTeamMember.of_user(cast.other_doctor.pk), since=kept.created_at
    )
    assert client_for(cast.other_doctor).get(reverse("patients:detail", args=[old.pk])).status_code == 404


def test_a_form_of_an_old_page_saves_nothing(cast, client_for, records):
    kept, old = records
    client = client_for(cast.receptionist)
    answer = client.post(reverse("patients:edit", args=[old.pk]), {"full_name": "Lain", "version": "1"})
    assert (answer.status_code, answer["Location"]) == (302, reverse("patients:detail", args=[kept.pk]))
    assert Patient.objects.get(pk=kept.pk).full_name == "Siti Aminah"
    fragment = client.get(reverse("patients:guardians", args=[old.pk]), headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment["HX-Redirect"]) == (204, reverse("patients:detail", args=[kept.pk]))


def test_booking_for_an_old_number_leads_to_the_survivor(cast, client_for, records):
    kept, old = records
    answer = client_for(cast.receptionist).get(reverse("scheduling:patient-book", args=[old.pk]))
    assert answer["Location"] == reverse("scheduling:patient-book", args=[kept.pk])


def test_who_saw_the_old_record_is_told_too(cast, records):
    kept, _old = records
    events = access_log.events_about(kept, viewer=cast.patient_user)
    assert cast.nurse.pk in set(events.values_list("actor_id", flat=True))
