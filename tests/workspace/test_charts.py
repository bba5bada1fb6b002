"""Reading: a visit, the chart, the history panel, and the admin's overview."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from core import clock
from scheduling.models import Appointment, Visit
from tests.factories.billing import InvoiceFactory
from tests.factories.consultations import NoteFactory, SignedNoteFactory, VitalsFactory
from tests.factories.patients import PatientFactory
from tests.factories.pharmacy import PrescriptionFactory, PrescriptionItemFactory
from tests.factories.scheduling import AppointmentFactory, VisitFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def done(cast, patient):
    """A finished visit with note, vital signs, prescription and bill."""
    visit = VisitFactory(
        doctor=cast.doctor,
        patient=patient,
        status=Visit.Status.CASHIER,
        consulted_at=clock.now(),
        complaint="Keluhan awal",
    )
    SignedNoteFactory(visit=visit, subjective="Catatan rahasia dokter")
    VitalsFactory(visit=visit, temperature_c="38.9")
    PrescriptionItemFactory(
        prescription=PrescriptionFactory(visit=visit, prescriber=cast.doctor), label="Obat Uji 5 mg"
    )
    InvoiceFactory(encounter_id=visit.pk, patient=patient, total_idr=87_000)
    return visit


def chart_url(patient):
    return reverse("workspace:patient-chart", args=[patient.pk])


def reads():
    return AuditEvent.objects.filter(action="patients.chart.read").count()


# --- Who may see what of a visit ----------------------------------------------------------------------------------

NOTE, MEDICINE, BILL = "Catatan rahasia dokter", "Obat Uji 5 mg", "Rp87.000"


@pytest.mark.parametrize(
    "who, seen, recorded",
    [
        ("doctor", {NOTE, MEDICINE}, 1),
        ("nurse", {NOTE, MEDICINE}, 1),
        ("admin", {NOTE, MEDICINE, BILL}, 1),
        ("receptionist", set(), 0),
    ],
)
def test_each_role_sees_its_parts_of_a_visit(cast, client_for, done, who, seen, recorded):
    page = client_for(getattr(cast, who)).get(reverse("workspace:visit-detail", args=[done.pk])).content.decode()
    assert {text for text in (NOTE, MEDICINE, BILL) if text in page} == seen
    assert ("Keluhan awal" in page) == (NOTE in seen)
    assert reads() == recorded


def test_a_pharmacist_sees_the_prescription_and_not_the_note(cast, client_for, done, patient):
    url = reverse("workspace:visit-detail", args=[done.pk])
    assert client_for(cast.pharmacist).get(url).status_code == 404  # not in the care team
    from patients.services import add_to_care_team

    add_to_care_team(patient_id=patient.pk, role="pharmacist")
    page = client_for(cast.pharmacist).get(url).content.decode()
    assert MEDICINE in page
    assert NOTE not in page
    assert "38,9" not in page


@pytest.mark.parametrize("who, status", [("cashier", 403), ("owner", 403), ("lab_officer", 403), ("patient_user", 404)])
def test_others_do_not_open_a_visit(cast, client_for, done, who, status):
    url = reverse("workspace:visit-detail", args=[done.pk])
    assert client_for(getattr(cast, who)).get(url).status_code == status


def test_admins_can_be_kept_from_notes(cast, client_for, done, settings):
    settings.ADMIN_READS_NOTES = False
    page = client_for(cast.admin).get(reverse("workspace:visit-detail", args=[done.pk])).content.decode()
    assert NOTE not in page
    assert MEDICINE in page


# --- The chart ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who, status",
    [
        ("receptionist", 403),
        ("cashier", 403),
        ("pharmacist", 403),
        ("owner", 403),
        ("patient_user", 404),
        ("other_doctor", 404),
    ],
)
@pytest.mark.parametrize("name", ["patient-chart", "history-panel"])
def test_others_do_not_open_the_chart(cast, client_for, done, patient, name, who, status):
    url = reverse(f"workspace:{name}", args=[patient.pk])
    assert client_for(getattr(cast, who)).get(url).status_code == status
    assert reads() == 0


def test_the_chart_shows_signed_notes_and_flags_in_words(cast, client_for, done, patient):
    NoteFactory(visit=VisitFactory(patient=patient, doctor=cast.doctor), subjective="Masih draf")
    SignedNoteFactory(subjective="Pasien lain")
    page = client_for(cast.doctor).get(chart_url(patient)).content.decode()
    assert NOTE in page
    assert MEDICINE in page
    assert "38,9" in page
    assert "chevron-up" in page
    assert "Masih draf" not in page
    assert "Pasien lain" not in page
    assert reads() == 1


def test_the_history_comes_in_pages(cast, client_for, patient):
    for number in range(12):
        visit = VisitFactory(patient=patient, doctor=cast.doctor, status=Visit.Status.FINISHED)
        SignedNoteFactory(visit=visit, subjective=f"Kunjungan-{number:02d}.")
    client = client_for(cast.doctor)
    first = client.get(chart_url(patient))
    assert first.content.decode().count("data-history-entry") == 10
    second = client.get(chart_url(patient), {"before": str(first.context["next_before"])}).content.decode()
    assert "Kunjungan-01." in second
    assert "Kunjungan-11." not in second
    assert client.get(chart_url(patient), {"before": "x' or 1"}).status_code == 200


@pytest.mark.parametrize("name", ["patient-chart", "history-panel"])
def test_the_charts_queries_do_not_grow(cast, client_for, patient, name):
    client, counts = client_for(cast.doctor), []
    for more in (3, 27):
        for _ in range(more):
            visit = VisitFactory(patient=patient, doctor=cast.doctor, status=Visit.Status.FINISHED)
            SignedNoteFactory(visit=visit)
            VitalsFactory(visit=visit)
            PrescriptionItemFactory(prescription=PrescriptionFactory(visit=visit, prescriber=cast.doctor))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(f"workspace:{name}", args=[patient.pk])).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1], [query["sql"][:150] for query in queries]


# --- All consultations ------------------------------------------------------------------------------------------------

ALL = "workspace:consultation-all"


@pytest.mark.parametrize(
    "who, status", [("doctor", 403), ("nurse", 403), ("cashier", 403), ("owner", 403), ("patient_user", 404)]
)
def test_others_do_not_see_all_consultations(cast, client_for, who, status):
    assert client_for(getattr(cast, who)).get(reverse(ALL)).status_code == status


def test_the_admin_filters_bookings_and_visits(cast, client_for):
    client = client_for(cast.admin)
    pending = AppointmentFactory(status=Appointment.Status.PENDING)
    AppointmentFactory(status=Appointment.Status.REJECTED)
    waiting = VisitFactory(doctor=cast.doctor)
    gone = VisitFactory(status=Visit.Status.FINISHED, visit_on=clock.today() - timedelta(days=40))

    def rows(**query):
        answer = client.get(reverse(ALL), query)
        assert answer.status_code == 200
        return list(answer.context["page"].rows)

    assert len(rows()) == 2
    assert rows(status="pending") == [pending]
    assert rows(what="visits", status="waiting") == [waiting]
    assert rows(what="visits", date_to=clock.today() - timedelta(days=30)) == [gone]
    assert rows(what="visits", date_from=clock.today(), doctor=cast.doctor.pk) == [waiting]
    assert rows(doctor=cast.nurse.pk) == []
    for odd in (
        {"status": "x"},
        {"date_from": "besok"},
        {"doctor": "1"},
        {"after": "x"},
        {"date_from": "2026-02-02", "date_to": "2026-02-01"},
    ):
        rows(**odd)


def test_all_consultations_page_and_queries(cast, client_for):
    client, counts = client_for(cast.admin), []
    for more in (3, 27):
        for _ in range(more):
            VisitFactory(doctor=cast.doctor, patient=PatientFactory())
        with CaptureQueriesContext(connection) as queries:
            page = client.get(reverse(ALL), {"what": "visits"})
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15
    assert len(page.context["page"].rows) == 25
    following = client.get(reverse(ALL) + page.context["page"].next_url)
    assert len(following.context["page"].rows) == 5
