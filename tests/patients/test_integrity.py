"""The nightly check: each part finds a planted fault, says nothing of what is right, and lets go of what was mended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from audit.models import AuditEvent
from billing.models import Invoice
from core import clock, files
from core.ids import uuid7
from jobs.models import Job
from notifications.models import Notice
from patients import integrity
from patients.consents import digest_of
from patients.models import (
    Consent,
    ConsentText,
    Insurer,
    IntegrityFinding,
    IntegrityRun,
    Patient,
    PatientAddress,
    PatientDocument,
    PatientImage,
    PatientToken,
    PolicyCoverage,
)
from patients.services import integrity as service
from pharmacy.models import Medicine
from tests.conftest import sign_in
from tests.factories.accounts import PatientUserFactory
from tests.factories.patients import AllergyFactory, GuardianLinkFactory, PatientFactory
from tests.factories.pharmacy import MedicineFactory
from tests.factories.scheduling import AppointmentFactory, VisitFactory

pytestmark = pytest.mark.django_db


def run():
    made = IntegrityRun.objects.create(started_at=clock.now())
    service.go_on()
    made.refresh_from_db()
    assert made.finished_at is not None
    return made


def found():
    return set(IntegrityFinding.objects.filter(gone_at__isnull=True).values_list("check_name", flat=True))


def stored():
    return files.store(b"%PDF-1.7 isi", content_type="application/pdf")


def document(cast, **fields):
    made = {"patient": PatientFactory(), "category": "laboratory", "file_name": "a.pdf", "documented_on": clock.today(),
            "file": stored(), "uploaded_at": clock.now(), "uploaded_by": cast.doctor}  # fmt: skip
    return PatientDocument.objects.create(**{**made, **fields})


def accounts_without_record(cast):
    PatientUserFactory(username="tanpa.rekam")


def not_searchable(cast):
    PatientToken.objects.filter(patient=PatientFactory()).delete()


def search_numbers(cast):
    Patient.objects.filter(pk=PatientFactory(nik="2171015705900001").pk).update(nik_bidx=12345)


def broken_merges(cast):
    Patient.objects.filter(pk=PatientFactory().pk).update(status="merged")


def photo_missing(cast):
    Patient.objects.filter(pk=PatientFactory().pk).update(photo_key=uuid7())


def documents_unreadable(cast):
    files._storage().delete(document(cast).file.name)


def images_unreadable(cast):
    kept = stored()
    kept.digest = "0" * 64
    kept.save(update_fields=["digest"])
    PatientImage.objects.create(
        patient=PatientFactory(), kind="ktp", file=kept, uploaded_at=clock.now(), uploaded_by=cast.admin
    )


def allergy_states(cast):
    Patient.objects.filter(pk=PatientFactory().pk).update(allergy_status="known")


def unknown_villages(cast):
    PatientAddress.objects.create(
        patient=PatientFactory(), use="identity", village_code="9999999999", updated_at=clock.now()
    )


def two_primary_policies(cast):
    patient = PatientFactory()
    for number in ("1", "2"):
        insurer = Insurer.objects.create(name=f"Asuransi {number}")
        PolicyCoverage.objects.create(patient=patient, insurer=insurer, number=number, is_primary=True,
                                      created_at=clock.now(), created_by=cast.admin)  # fmt: skip


def overdue_guardian_links(cast):
    link = GuardianLinkFactory()
    link.ends_on = clock.today() - timedelta(days=10)
    link.save(update_fields=["ends_on"])


def stuck_jobs(cast):
    Job.objects.create(kind="x.y", requested_by=cast.admin, state=Job.State.RUNNING, created_at=clock.now(),
                       lease_until=clock.now() - timedelta(hours=3))  # fmt: skip


def bill_totals(cast):
    visit = VisitFactory()
    Invoice.objects.create(encounter_id=visit.pk, patient=visit.patient, total_idr=5000, created_at=clock.now())


def stock(cast):
    Medicine.objects.filter(pk=MedicineFactory().pk).update(on_hand=7)


def open_visits(cast):
    VisitFactory(visit_on=clock.today() - timedelta(days=5))


def bills_without_visit(cast):
    Invoice.objects.create(encounter_id=uuid7(), patient=PatientFactory(), created_at=clock.now())


def visits_without_bill(cast):
    VisitFactory(status="finished")


PLANTED = [
    accounts_without_record, not_searchable, search_numbers, broken_merges, photo_missing, documents_unreadable,
    images_unreadable, allergy_states, unknown_villages, two_primary_policies, overdue_guardian_links, stuck_jobs,
    bill_totals, stock, open_visits, bills_without_visit, visits_without_bill,
]  # fmt: skip
ELSEWHERE = {"consents_changed", "undecided_appointments", "waiting_list", "queue_stays"}  # below, scheduling/


def test_every_check_is_tested():
    assert {check.name for check in integrity.checks()} == {plant.__name__ for plant in PLANTED} | ELSEWHERE


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found_once(cast, plant):
    plant(cast)
    result = run().results
    assert not any(entry.get("failed") for entry in result.values()), result
    assert plant.__name__ in found()
    run()
    assert IntegrityFinding.objects.filter(check_name=plant.__name__).count() == 1


def test_a_sound_clinic_has_no_findings(cast):
    AllergyFactory(patient=PatientFactory(nik="2171015705900001"), recorded_by=cast.doctor)
    Patient.objects.update(allergy_status="unknown")
    Patient.objects.filter(allergy_rows__isnull=False).update(allergy_status="known")
    document(cast)
    MedicineFactory()
    before = found()
    run()
    assert before == found() == set()


def test_a_booking_without_outcome_is_found(cast):
    appointment = AppointmentFactory()
    slot = appointment.slot
    type(slot).objects.filter(pk=slot.pk).update(
        starts_at=clock.now() - timedelta(days=9), ends_at=clock.now() - timedelta(days=9, minutes=-30)
    )
    run()
    assert "undecided_appointments" in found()


def test_a_consent_changed_after_signing_is_found(cast):
    text = ConsentText.objects.filter(kind="general").latest("version")
    signed = Consent(patient=PatientFactory(), kind="general", text=text, decision="permit", method="paper",
                     given_at=clock.now(), signer_name="Siti", recorded_at=clock.now(), recorded_by=cast.admin)  # fmt: skip
    signed.digest = digest_of(signed)
    signed.save()
    run()
    assert "consents_changed" not in found()
    Consent.objects.filter(pk=signed.pk).update(trainees_may_access=True)
    run()
    assert "consents_changed" in found()


def test_what_was_mended_disappears_and_comes_back_anew(cast):
    patient = PatientFactory()
    Patient.objects.filter(pk=patient.pk).update(allergy_status="known")
    run()
    assert "allergy_states" in found()
    Patient.objects.filter(pk=patient.pk).update(allergy_status="none")
    run()
    assert found() == set()
    finding = IntegrityFinding.objects.get()
    assert finding.gone_at is not None
    Patient.objects.filter(pk=patient.pk).update(allergy_status="known")
    run()
    finding.refresh_from_db()
    assert finding.gone_at is None
    assert IntegrityFinding.objects.count() == 1


def test_a_check_in_rotation_goes_on_where_it_stopped_and_looks_at_open_faults_again(cast):
    patients = sorted((PatientFactory(nik=f"217101570590{n:04d}") for n in range(1, 6)), key=lambda p: p.pk)
    find = integrity.in_rotation("patient", Patient.objects.all(), size=2, faults_of=integrity._blind_faults)
    first = find("", [])
    assert first.cursor == str(patients[1].pk)
    second = find(first.cursor, [f"patient {patients[0].pk}"])
    assert second.cursor == str(patients[3].pk)
    assert second.looked_at == 3
    third = find(second.cursor, [])
    assert third.looked_at == 2
    assert third.cursor == str(patients[0].pk), "at the end it begins again"


def test_a_check_that_breaks_spoils_no_other(cast, monkeypatch):
    def broken(cursor, open_subjects):
        raise RuntimeError("boom")

    check = integrity.get("bill_totals")
    assert cast.admin.is_active
    monkeypatch.setitem(integrity._checks, "bill_totals", type(check)(**{**check.__dict__, "find": broken}))
    allergy_states(cast)
    done = run()
    assert done.results["bill_totals"]["failed"]
    assert "allergy_states" in found()
    assert Notice.objects.filter(kind="integrity_findings").exists()


def test_only_something_new_and_serious_is_told(cast):
    assert cast.admin.is_active
    open_visits(cast)
    run()
    assert not Notice.objects.filter(kind="integrity_findings").exists()
    allergy_states(cast)
    run()
    told = set(Notice.objects.filter(kind="integrity_findings").values_list("recipient__username", flat=True))
    assert told == {cast.admin.username}
    run()
    assert Notice.objects.filter(kind="integrity_findings").count() == 1


def test_a_killed_run_is_taken_up_after_its_lease(cast):
    made = IntegrityRun.objects.create(started_at=clock.now())
    assert service._claim(made.pk) is not None
    assert service.go_on() == 0, "somebody is at it"
    IntegrityRun.objects.filter(pk=made.pk).update(lease_until=clock.now() - timedelta(seconds=1))
    assert service.go_on() == len(integrity.checks())


def test_a_night_is_begun_once(cast):
    assert service.begin_nightly(clock.today()) == service.begin_nightly(clock.today())


def test_two_workers_do_each_check_once(race):
    IntegrityRun.objects.create(started_at=clock.now())
    done = race(service.go_on, [(), ()])
    IntegrityRun.objects.update(lease_until=None)
    assert sum(done) + service.go_on() == len(integrity.checks())
    assert IntegrityRun.objects.get().finished_at is not None


class TestPages:
    def test_findings_are_grouped_with_what_to_do(self, client, cast):
        allergy_states(cast)
        run()
        sign_in(client, cast.admin)
        page = client.get(reverse("patients:integrity"))
        group = page.context["faulty"][0]
        assert (group["check"].name, group["count"], group["is_serious"]) == ("allergy_states", 1, True)
        assert Patient.objects.get(allergy_status="known").record_number in page.content.decode()

    @pytest.mark.parametrize("many", [3, 30])
    def test_the_page_costs_the_same_whatever_was_found(self, client, cast, many, django_assert_max_num_queries):
        for _ in range(many):
            allergy_states(cast)
        run()
        sign_in(client, cast.admin)
        with django_assert_max_num_queries(14):
            assert client.get(reverse("patients:integrity")).status_code == 200

    def test_check_now_begins_one_run(self, client, cast):
        sign_in(client, cast.admin)
        for _ in range(2):
            assert client.post(reverse("patients:integrity-run")).status_code == 302
        assert IntegrityRun.objects.count() == 1
        assert AuditEvent.objects.filter(action="patients.integrity.requested").count() == 1


def test_the_command_says_what_is_wrong_without_names(cast, capsys):
    Patient.objects.filter(pk=PatientFactory(full_name="Nama Rahasia").pk).update(allergy_status="known")
    with pytest.raises(CommandError, match="1 check"):
        call_command("check_integrity")
    said = capsys.readouterr().out
    assert "allergy_states: 1 found" in said
    assert "Rahasia" not in said
