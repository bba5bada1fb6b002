"""Archive, bring back, delete: what is refused, what goes, what stays."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.models import AuditEvent
from core import clock, files
from core.models import StoredFile
from notifications.models import Email
from notifications.services import queue_email
from patients.errors import (
    CannotArchive,
    CannotDelete,
    DocumentIsProof,
    InvalidPatientData,
    NotArchived,
    PatientMerged,
    ReasonMissing,
)
from patients.merge_rules import links
from patients.models import Consent, ConsentText, Patient, PatientDocument, PatientImage, PatientToken
from patients.search import find_patients
from patients.services import archiving, documents
from scheduling.errors import PatientNotActive
from scheduling.services.visits import register_walk_in
from tests.conftest import sign_in
from tests.factories.patients import AllergyFactory, PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, VisitFactory
from tests.test_registry import make_row

pytestmark = pytest.mark.django_db


def archive(patient, cast, **fields):
    return archiving.archive_patient(patient_id=patient.pk, actor=cast.admin, **{"reason": "Pindah kota", **fields})


def delete(patient, cast, **fields):
    given = {"reason": "Terdaftar dua kali", "record_number": patient.record_number, **fields}
    return archiving.delete_mistaken(patient_id=patient.pk, actor=cast.admin, **given)


def order_mail(patient, status):
    email = queue_email(
        template="data_request_answered", to="siti@surat.example", language="id", patient_id=patient.pk,
        context={"name": "Siti", "number": "PDP-2026-0001"}, dedupe_key=f"{patient.pk}:{status}",
    )  # fmt: skip
    Email.objects.filter(pk=email.pk).update(status=status)
    return email


class TestArchiving:
    def test_it_is_written_and_the_record_stays(self, cast):
        patient = archive(PatientFactory(full_name="Siti Aminah"), cast)
        assert (patient.status, patient.archive_reason, patient.archived_by) == ("archived", "Pindah kota", cast.admin)
        assert [found.pk for found in find_patients(user=cast.admin, query="siti aminah")] == [patient.pk]
        assert AuditEvent.objects.get(action="patients.patient.archived").detail == {"deceased": False}

    def test_it_takes_part_in_nothing_new(self, cast):
        patient = archive(PatientFactory(), cast)
        with pytest.raises(PatientNotActive):
            register_walk_in(
                patient_id=patient.pk, doctor_id=cast.doctor.pk, service_id=ServiceFactory().pk, complaint="Batuk",
                actor=cast.receptionist,
            )  # fmt: skip

    def test_a_reason_is_needed_unless_the_patient_died(self, cast):
        patient = PatientFactory()
        with pytest.raises(ReasonMissing):
            archive(patient, cast, reason="  ")
        died = archive(patient, cast, reason="", deceased_on=clock.today())
        assert died.deceased_on == clock.today()
        assert died.archive_reason

    @pytest.mark.parametrize("day", [date(1900, 1, 1), "tomorrow"])
    def test_an_impossible_day_of_death(self, cast, day):
        patient = PatientFactory()
        with pytest.raises(InvalidPatientData):
            archive(patient, cast, deceased_on=clock.today() + timedelta(days=1) if day == "tomorrow" else day)
        patient.refresh_from_db()
        assert patient.status == "active"

    def test_not_while_something_is_under_way(self, cast):
        visiting, booked = VisitFactory().patient, AppointmentFactory(status="approved").patient
        for patient, words in ((visiting, "1 "), (booked, "1 ")):
            with pytest.raises(CannotArchive, match=words):
                archive(patient, cast)
        assert Patient.objects.filter(status="archived").count() == 0

    def test_back_again(self, cast):
        patient = archive(PatientFactory(), cast, deceased_on=clock.today())
        back = archiving.unarchive_patient(patient_id=patient.pk, actor=cast.admin, reason="Salah orang")
        assert (back.status, back.archived_at, back.deceased_on, back.archive_reason) == ("active", None, None, "")
        with pytest.raises(NotArchived):
            archiving.unarchive_patient(patient_id=patient.pk, actor=cast.admin, reason="Sekali lagi")

    def test_not_twice_and_not_a_merged_record(self, cast):
        patient = archive(PatientFactory(), cast)
        with pytest.raises(CannotArchive):
            archive(patient, cast)
        with pytest.raises(PatientMerged):
            archive(PatientFactory(status="merged", merged_into=patient), cast)

    def test_two_admins_at_once_archive_once(self, race, cast):
        patient, admin = PatientFactory(), cast.admin

        def go():
            archiving.archive_patient(patient_id=patient.pk, actor=admin, reason="Pindah")

        outcomes = race(go, [(), (), ()])
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["CannotArchive", "CannotArchive", "NoneType"]


def test_a_paper_that_proves_a_consent_stays(cast):
    patient, made = PatientFactory(), {"uploaded_at": clock.now(), "uploaded_by": cast.admin}
    scan = PatientDocument.objects.create(
        patient=patient, category="consent", file_name="a.pdf", documented_on=clock.today(),
        file=files.store(b"pindai", content_type="application/pdf"), **made,
    )  # fmt: skip
    Consent.objects.create(
        patient=patient, kind="general", text=ConsentText.objects.first(), decision="permit", method="paper",
        given_at=clock.now(), signer_name="S", recorded_at=clock.now(), recorded_by=cast.admin, scan=scan,
    )  # fmt: skip
    with pytest.raises(DocumentIsProof):
        documents.mark_document_in_error(document_id=scan.pk, actor=cast.pharmacist, reason="Salah")
    facts = {"documented_on": scan.documented_on, "title": "Pindaian", "version": 1}
    with pytest.raises(DocumentIsProof):
        documents.correct_document(document_id=scan.pk, actor=cast.pharmacist, category="other", **facts)
    documents.correct_document(document_id=scan.pk, actor=cast.pharmacist, category="consent", **facts)
    scan.refresh_from_db()
    assert (scan.status, scan.category, scan.title) == ("current", "consent", "Pindaian")


class TestDeleting:
    def full(self, cast):
        patient = PatientFactory(full_name="Salah Daftar", nik="2171015705900001")
        AllergyFactory(patient=patient, recorded_by=cast.nurse)
        made = {"uploaded_at": clock.now(), "uploaded_by": cast.admin}
        photo = files.store(b"foto", content_type="image/jpeg")
        PatientImage.objects.create(patient=patient, kind="ktp", file=photo, **made)
        scan = PatientDocument.objects.create(
            patient=patient, category="consent", file_name="a.pdf", documented_on=clock.today(),
            file=files.store(b"pindai", content_type="application/pdf"), **made,
        )  # fmt: skip
        first = Consent.objects.create(
            patient=patient, kind="general", text=ConsentText.objects.first(), decision="permit", method="paper",
            given_at=clock.now(), signer_name="S", recorded_at=clock.now(), recorded_by=cast.admin, scan=scan,
        )  # fmt: skip
        Consent.objects.create(
            patient=patient, kind="general", text=ConsentText.objects.first(), decision="withdrawn", method="paper",
            given_at=clock.now(), signer_name="S", recorded_at=clock.now(), recorded_by=cast.admin, withdraws=first,
        )  # fmt: skip
        return patient

    def test_everything_goes_with_a_mistake(self, cast, django_capture_on_commit_callbacks):
        patient = self.full(cast)
        names = list(StoredFile.objects.values_list("name", flat=True))
        assert len(names) == 2
        with django_capture_on_commit_callbacks(execute=True):
            assert delete(patient, cast) == patient.record_number
        for name, model, field in links():
            assert not model._base_manager.filter(**{field.attname: patient.pk}).exists(), name
        assert not Patient.objects.filter(pk=patient.pk).exists()
        assert not PatientToken.objects.filter(patient_id=patient.pk).exists()
        assert not StoredFile.objects.exists()
        assert not any(files._storage().exists(name) for name in names)
        event = AuditEvent.objects.get(action="patients.patient.deleted")
        assert (event.patient_id, event.detail) == (
            patient.pk, {"record_number": patient.record_number, "mails_withdrawn": 0},
        )  # fmt: skip

    def test_mails_that_wait_are_not_sent_and_those_of_others_are(self, cast):
        patient, other = PatientFactory(), PatientFactory()
        kept = {order_mail(patient, state).pk for state in ("sent", "sending")} | {order_mail(other, "queued").pk}
        for state in ("queued", "claimed", "failed", "uncertain"):
            order_mail(patient, state)
        with pytest.raises(CannotDelete):
            delete(patient, cast, record_number="999999")
        assert Email.objects.count() == 7
        delete(patient, cast)
        assert set(Email.objects.values_list("pk", flat=True)) == kept
        assert AuditEvent.objects.get(action="patients.patient.deleted").detail["mails_withdrawn"] == 4

    def test_the_number_is_not_given_again(self, cast):
        from patients.services import register_patient

        fields = {"birth_date": date(1990, 5, 17), "sex": "female", "actor": cast.admin}
        first = register_patient(full_name="Siti Satu", **fields)
        delete(first, cast)
        assert register_patient(full_name="Siti Dua", **fields).record_number != first.record_number

    @pytest.mark.parametrize("name", sorted({name for name, _model, _field in links()} - archiving.GOES_WITH))
    def test_each_row_that_is_kept_stands_in_the_way(self, cast, name):
        model, field = next((model, field) for other, model, field in links() if other == name)
        row = make_row(model)
        patient = getattr(row, field.name) or PatientFactory()
        model._base_manager.filter(pk=row.pk).update(**{field.attname: patient.pk})
        patient.refresh_from_db()
        with pytest.raises((CannotDelete, PatientMerged)):
            delete(patient, cast)
        assert Patient.objects.filter(pk=patient.pk).exists()

    def test_a_medical_paper_an_account_and_a_hold_stand_in_the_way(self, cast):
        papered, held = PatientFactory(), PatientFactory(legal_hold=True)
        PatientDocument.objects.create(
            patient=papered, category="laboratory", file_name="a", documented_on=clock.today(),
            file=files.store(b"x", content_type="application/pdf"), uploaded_at=clock.now(), uploaded_by=cast.admin,
        )  # fmt: skip
        for patient in (papered, held, cast.patient_user.patient):
            with pytest.raises(CannotDelete):
                delete(patient, cast)

    def test_another_number_deletes_nothing(self, cast):
        patient = PatientFactory()
        with pytest.raises(CannotDelete) as refused:
            delete(patient, cast, record_number="999999")
        assert str(refused.value) == _("The record number you typed is not this patient's. Nothing was deleted.")
        assert Patient.objects.filter(pk=patient.pk).exists()

    def test_the_page_says_what_is_in_the_way(self, client, cast):
        sign_in(client, cast.admin)
        page = client.get(reverse("patients:archive-page", args=[VisitFactory().patient.pk]))
        assert page.context["kept_by"]
        assert page.context["in_the_way"]
        assert b'name="record_number"' not in page.content
