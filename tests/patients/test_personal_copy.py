"""The copy of all data of one patient: complete, only theirs, and only for who asked."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from django.urls import reverse

from accounts.models import TotpDevice
from audit.models import AuditEvent
from core import clock, files
from jobs import runner
from jobs.errors import JobNotPermitted
from patients import personal_data, rights
from patients.models import DataRequest, GuardianLink, PatientDocument, PatientImage
from patients.personal_sections import patient_resource
from patients.rights_errors import CopyNotReleased, RequestClosed
from patients.services import record_chart_read
from patients.services import rights as acts
from tests.conftest import sign_in
from tests.factories.accounts import PatientUserFactory
from tests.factories.billing import InvoiceFactory
from tests.factories.consents import give_choice
from tests.factories.patients import AllergyFactory, PatientFactory
from tests.factories.rights import decide, granted_copy, receive
from tests.factories.scheduling import AppointmentFactory, VisitFactory
from tests.test_registry import MODELS, make_row

pytestmark = pytest.mark.django_db


def copy_of(patient, cast):
    """The data and the names of the files of a copy made now."""
    request = acts.start_copy(request_id=receive(patient, actor=cast.admin).pk, actor=cast.admin)
    assert runner.work(request.copy_id) == "done"
    request.copy.refresh_from_db()
    archive = zipfile.ZipFile(BytesIO(files.read(request.copy.result)))
    assert archive.testzip() is None
    return json.loads(archive.read("data.json")), archive


def tables_of(data):
    return {name: rows for section in data["sections"] for name, rows in section["tables"].items()}


def paper(patient, cast, **fields):
    given = {
        "category": "laboratory", "file_name": "darah.pdf", "documented_on": clock.today(), "title": "Darah lengkap",
        "file": files.store(b"%PDF hasil", content_type="application/pdf"), "uploaded_at": clock.now(),
        "uploaded_by": cast.admin, **fields,
    }  # fmt: skip
    return PatientDocument.objects.create(patient=patient, **given)


class TestEveryModelIsDecided:
    def test_nothing_about_a_patient_is_forgotten(self):
        labels = {model._meta.label for model in MODELS}
        decided = personal_data.covered_models() | set(personal_data.INTERNAL)
        assert labels - decided == set(), "say in patients.personal_data what the copy does with these models"
        assert not personal_data.covered_models() & set(personal_data.INTERNAL)
        assert decided <= labels, "a section names a model that is not about patients"

    def test_reasons_and_grounds_are_given(self):
        assert all(personal_data.INTERNAL.values())
        assert all(str(section.ground) and str(section.title) for section in personal_data.sections())

    def test_a_section_is_registered_once(self):
        with pytest.raises(ValueError, match="identity"):
            personal_data.register(personal_data.sections()[0])

    @pytest.mark.parametrize(
        "table",
        [table for section in personal_data.sections() for table in section.tables],
        ids=lambda table: table.model,
    )
    def test_each_table_is_written_without_keys_and_secrets(self, table):
        from django.apps import apps

        row = make_row(apps.get_model(table.model))
        values = personal_data.values_of(table, row)
        json.dumps(values)
        assert not {"password", "file_key", "nik_bidx", "digest", "idempotency_key"} & set(values)
        if table.resources is not None and table.model != "patients.HistoryEntry":
            assert all(resource["resourceType"] and resource["id"] for resource in table.resources(row))


class TestTheCopy:
    def test_it_holds_what_the_clinic_knows(self, cast):
        patient = PatientFactory(full_name="Siti Aminah", nik="2171015705900001")
        AllergyFactory(patient=patient, substance="Amoksisilin", recorded_by=cast.nurse)
        visit = VisitFactory(patient=patient)
        appointment = AppointmentFactory(patient=patient)
        InvoiceFactory(patient=patient)
        give_choice(patient, cast.receptionist, "messages")
        document = paper(patient, cast)
        PatientImage.objects.create(
            patient=patient, kind="ktp", file=files.store(b"ktp", content_type="image/jpeg"), uploaded_at=clock.now(),
            uploaded_by=cast.admin,
        )  # fmt: skip
        record_chart_read(patient=patient, actor=cast.doctor)
        data, archive = copy_of(patient, cast)
        tables = tables_of(data)
        assert tables["patients.Patient"][0]["nik"] == "2171015705900001"
        assert tables["patients.Allergy"][0]["substance"] == "Amoksisilin"
        assert tables["patients.Allergy"][0]["recorded_by"] == cast.nurse.full_name
        assert tables["scheduling.Visit"][0]["number"] == visit.number
        assert tables["scheduling.Appointment"][0]["starts_at"] == appointment.slot.starts_at.isoformat()
        assert len(tables["billing.Invoice"]) == 1
        assert len(tables["patients.Consent"]) == 1
        assert cast.doctor.full_name in {line["who"] for line in tables["access"]}
        name = tables["patients.PatientDocument"][0]["files"][0]
        assert archive.read(name) == b"%PDF hasil"
        assert name.endswith(f"{document.file.pk.hex[-8:]}.pdf")
        assert archive.read(tables["patients.PatientImage"][0]["files"][0]) == b"ktp"
        kinds = {entry["resource"]["resourceType"] for entry in data["fhir"]["entry"]}
        assert {"Patient", "AllergyIntolerance", "Encounter", "Consent", "DocumentReference"} <= kinds
        readme = archive.read("BACA-SAYA.txt").decode()
        assert patient.record_number in readme
        assert data["format"] == "emr-personal-copy"

    @pytest.mark.parametrize(
        ("accuracy", "known"), [("exact", "1990-05-17"), ("month", "1990-05"), ("year", "1990"), ("estimated", "1990")]
    )
    def test_a_birth_date_is_given_as_far_as_it_is_known(self, accuracy, known):
        patient = PatientFactory(birth_accuracy=accuracy)
        assert next(patient_resource(patient))["birthDate"] == known

    def test_nothing_of_anybody_else(self, cast):
        other = PatientFactory(full_name="Orang Lain", nik="3171015705900009", mother_name="Ibu Lain")
        AllergyFactory(patient=other, substance="Rahasia")
        VisitFactory(patient=other)
        mine = PatientFactory(full_name="Budi Anak", mother=other)
        data, archive = copy_of(mine, cast)
        text = json.dumps(data) + archive.read("BACA-SAYA.txt").decode()
        for secret in ("Orang Lain", "3171015705900009", "Rahasia", str(other.pk)):
            assert secret not in text

    def test_papers_for_the_clinic_only_stay_and_are_counted(self, cast):
        patient = PatientFactory()
        paper(patient, cast, title="Catatan internal", is_internal=True)
        data, archive = copy_of(patient, cast)
        assert "patients.PatientDocument" not in tables_of(data)
        assert "Catatan internal" not in json.dumps(data)
        assert "1 " in next(
            line for line in archive.read("BACA-SAYA.txt").decode().splitlines() if line.startswith("1 ")
        )

    def test_a_lost_file_is_named_and_the_rest_comes(self, cast, monkeypatch):
        from patients import personal_copy

        patient = PatientFactory()
        paper(patient, cast)

        def gone(stored):
            raise files.FileUnreadable("x")

        request = acts.start_copy(request_id=receive(patient, actor=cast.admin).pk, actor=cast.admin)
        with monkeypatch.context() as patch:
            patch.setattr(personal_copy.files, "read", gone)
            assert runner.work(request.copy_id) == "done"
        request.copy.refresh_from_db()
        data = json.loads(zipfile.ZipFile(BytesIO(files.read(request.copy.result))).read("data.json"))
        assert len(data["missing_files"]) == 1

    def test_a_hundred_visits_cost_the_statements_of_one(self, cast, django_assert_max_num_queries):
        patient = PatientFactory()
        for _number in range(12):
            VisitFactory(patient=patient)
        request = acts.start_copy(request_id=receive(patient, actor=cast.admin).pk, actor=cast.admin)
        with django_assert_max_num_queries(110):
            runner.work(request.copy_id)


class TestWhoMayHaveIt:
    def test_making_it_needs_the_right(self, cast):
        request = receive(actor=cast.admin)
        with pytest.raises(JobNotPermitted):
            acts.start_copy(request_id=request.pk, actor=cast.receptionist)

    @pytest.mark.parametrize("kind", ["erasure", "correction"])
    def test_only_for_requests_for_a_copy(self, cast, kind):
        with pytest.raises(RequestClosed):
            acts.start_copy(request_id=receive(actor=cast.admin, kind=kind).pk, actor=cast.admin)

    def test_not_after_a_refusal(self, cast):
        request = decide(receive(actor=cast.admin), actor=cast.admin, status="refused", ground="identity")
        with pytest.raises(RequestClosed):
            acts.start_copy(request_id=request.pk, actor=cast.admin)

    def test_the_patient_loads_it_when_it_is_granted(self, client, cast):
        user = cast.patient_user
        TotpDevice.objects.create(user=user, name="Telepon")
        request = granted_copy(user.patient, actor=cast.admin, asks=user)
        sign_in(client, user)
        answer = client.get(reverse("patients:portal-data-request-copy", args=[request.pk]))
        assert answer.status_code == 200
        assert "attachment" in answer["Content-Disposition"]
        assert zipfile.ZipFile(BytesIO(b"".join(answer) if answer.streaming else answer.content)).testzip() is None
        assert AuditEvent.objects.filter(action="patients.data_request.copy_opened", actor_id=user.pk).count() == 1
        page = client.get(reverse("patients:portal-data-request", args=[request.pk])).content.decode()
        assert reverse("patients:portal-data-request-copy", args=[request.pk]) in page

    def test_not_before_it_is_granted(self, client, cast):
        user = cast.patient_user
        TotpDevice.objects.create(user=user, name="Telepon")
        request = receive(user.patient, actor=user, channel="portal")
        acts.start_copy(request_id=request.pk, actor=cast.admin)
        runner.work(DataRequest.objects.get().copy_id)
        sign_in(client, user)
        assert client.get(reverse("patients:portal-data-request-copy", args=[request.pk])).status_code == 404
        with pytest.raises(CopyNotReleased):
            acts.open_copy(request_id=request.pk, actor=user)

    def test_an_old_sign_in_is_asked_again(self, client, cast):
        user = cast.patient_user
        request = granted_copy(user.patient, actor=cast.admin, asks=user)
        sign_in(client, user)  # without a factor: never fresh
        answer = client.get(reverse("patients:portal-data-request-copy", args=[request.pk]))
        assert answer.status_code == 302
        assert not AuditEvent.objects.filter(action="patients.data_request.copy_opened").exists()

    def test_a_guardian_does_not_load_what_the_patient_asked(self, cast):
        patient = PatientFactory(user=PatientUserFactory())
        GuardianLink.objects.create(
            guardian=cast.patient_user, dependant=patient, relationship="parent", status="active", is_active=True,
            requested_at=clock.now(), requested_by=cast.patient_user, proven_at=clock.now(), proven_by=cast.admin,
        )  # fmt: skip
        request = granted_copy(patient, actor=cast.admin, asks=patient.user)
        request = DataRequest.objects.select_related("copy", "patient").get(pk=request.pk)
        assert not rights.may_load_copy(cast.patient_user, request)
        assert rights.may_load_copy(patient.user, request)

    def test_after_a_week_it_is_gone_and_can_be_made_again(self, cast):
        request = granted_copy(cast.patient_user.patient, actor=cast.admin, asks=cast.patient_user)
        with time_machine.travel(clock.now() + timedelta(days=8)):
            with pytest.raises(CopyNotReleased):
                acts.open_copy(request_id=request.pk, actor=cast.patient_user)
            again = acts.start_copy(request_id=request.pk, actor=cast.admin)
            runner.work(again.copy_id)
            assert acts.open_copy(request_id=request.pk, actor=cast.patient_user)[1] == f"{request.number}.zip"
