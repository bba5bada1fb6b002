"""Attacks on what issue 4 added: old addresses, forms sent twice, moments that no calendar has, forms too big to be ours."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.second_factor import FACTOR_AT
from audit.models import AuditEvent
from core import clock
from core.models import StoredFile
from jobs import runner
from jobs import services as jobs
from jobs.models import Job
from patients import consents, integrity, services
from patients.consent_errors import ConsentChanged
from patients.errors import AlreadyRegistered, BreachKnown, PatientMerged, PatientNotFound
from patients.models import AffectedPatient, Breach, Consent, ConsentKind, Patient, PatientImportRow, PolicyCoverage
from patients.services import archiving, exports
from patients.services import consents as consent_acts
from patients.services import integrity as checks
from patients.services import rights as acts
from patients.services.breaches import record_breach
from patients.services.documents import ready_file
from patients.services.merging import merge_patients
from scheduling.services.visits import register_walk_in
from tests.factories.consents import give_choice, give_general
from tests.factories.coverage import InsurerFactory, PolicyFactory
from tests.factories.documents import paper
from tests.factories.patients import PatientFactory
from tests.factories.rights import receive
from tests.factories.scheduling import ServiceFactory
from tests.matrix import patients, patients_breaches, patients_imports, patients_rights
from workspace import record_jobs
from workspace.record_pdf import RecordWish

pytestmark = pytest.mark.django_db


# --- Rows that stayed with a merged record ---------------------------------------------------------------------------


@pytest.mark.parametrize("route", ["coverage-edit", "coverage-end", "coverage-mark-wrong"])
def test_a_row_that_stayed_behind_does_not_lead_to_itself(cast, client_for, route):
    kept, old = PatientFactory(full_name="Siti Aminah"), PatientFactory(full_name="Siti Aminah")
    insurer = InsurerFactory()
    PolicyFactory(patient=kept, insurer=insurer, number="ASB-1")
    stays = PolicyFactory(patient=old, insurer=insurer, number="ASB-1")
    merge_patients(survivor_id=kept.pk, merged_id=old.pk, values={}, reason="Orang yang sama", actor=cast.admin)
    assert PolicyCoverage.objects.get(pk=stays.pk).patient_id == old.pk
    answer = client_for(cast.receptionist).get(reverse(f"patients:{route}", args=[stays.pk]))
    assert (answer.status_code, answer["Location"]) == (302, reverse("patients:detail", args=[kept.pk]))


@pytest.fixture
def merged_pair(cast):
    kept = PatientFactory(full_name="Siti Aminah", care_team=[cast.doctor])
    old = PatientFactory(full_name="Siti Aminah", care_team=[cast.doctor])
    return kept, old


def bring_together(pair, actor):
    kept, old = pair
    merge_patients(survivor_id=kept.pk, merged_id=old.pk, values={}, reason="Orang yang sama", actor=actor)


@pytest.mark.parametrize("route", ["patient-chart", "history-panel", "patient-record"])
def test_an_old_chart_is_not_shown_as_an_empty_one(cast, client_for, merged_pair, route):
    kept, old = merged_pair
    bring_together(merged_pair, cast.admin)
    client = client_for(cast.doctor)
    answer = client.get(reverse(f"workspace:{route}", args=[old.pk]))
    assert (answer.status_code, answer["Location"]) == (302, reverse(f"workspace:{route}", args=[kept.pk]))
    assert client_for(cast.other_doctor).get(reverse(f"workspace:{route}", args=[old.pk])).status_code == 404


def test_background_work_about_a_record_that_was_merged_meanwhile_is_not_done(cast, merged_pair):
    _kept, old = merged_pair
    wish = {**RecordWish().as_json(), "language": "id"}
    made = jobs.request(kind=record_jobs.KIND, actor=cast.doctor, patient_id=old.pk, parameters=wish)
    asked = receive(old, actor=cast.admin)
    copy = acts.start_copy(request_id=asked.pk, actor=cast.admin, language="id")
    bring_together(merged_pair, cast.admin)
    for pk in (made.pk, copy.copy_id):
        runner.work(pk)
        job = Job.objects.get(pk=pk)
        assert (job.state, job.error_code, job.result_id) == (Job.State.FAILED, PatientMerged.code, None)


def test_nobody_is_booked_or_checked_in_on_a_record_that_went_meanwhile(cast, merged_pair):
    _kept, old = merged_pair
    bring_together(merged_pair, cast.admin)
    service = ServiceFactory()
    given = {"doctor_id": cast.doctor.pk, "complaint": "Demam", "actor": cast.receptionist, "service_id": service.pk}
    with pytest.raises(PatientMerged):
        register_walk_in(patient_id=old.pk, **given)
    with pytest.raises(PatientNotFound):  # deleted as a mistake between the page and the click
        register_walk_in(patient_id=uuid4(), **given)


# --- A form that was sent before -------------------------------------------------------------------------------------


def registered(actor, key, **fields):
    given = {"full_name": "Budi Santoso", "birth_date": date(1980, 1, 2), "sex": "male", **fields}
    return services.register_at_desk(actor=actor, allergy=None, registration_key=key, **given)


def test_a_used_form_with_another_person_is_refused(cast):
    key = uuid4()
    first = registered(cast.receptionist, key)
    assert registered(cast.receptionist, key).pk == first.pk  # sent twice
    for other in ({"full_name": "Wayan Sudira"}, {"birth_date": date(1981, 1, 2)}, {"nik": "2171010201800003"}):
        with pytest.raises(AlreadyRegistered):
            registered(cast.receptionist, key, **other)
    with pytest.raises(AlreadyRegistered):
        registered(cast.admin, key)
    assert Patient.objects.count() == 1


# --- What was said later counts --------------------------------------------------------------------------------------


def test_an_old_paper_does_not_bring_back_what_was_withdrawn(cast):
    patient, kind = PatientFactory(), ConsentKind.EDUCATION
    given = give_choice(patient, cast.nurse, kind)
    consent_acts.withdraw(
        consent_id=given.pk,
        signer=consent_acts.Signer(name=""),
        method=Consent.Method.DESK,
        key=uuid4(),
        actor=cast.nurse,
    )
    assert not consents.may(patient.pk, kind)
    sheet = ready_file(paper())
    yesterday = clock.today() - timedelta(days=1)
    for day, refused in ((yesterday, True), (clock.today(), False)):
        evidence = consent_acts.Evidence(Consent.Method.PAPER, paper=sheet, signed_on=day)
        if refused:
            with pytest.raises(ConsentChanged):
                give_choice(patient, cast.nurse, kind, evidence=evidence)
            with pytest.raises(ConsentChanged):
                give_general(patient, cast.nurse, evidence=evidence)
        else:
            give_choice(patient, cast.nurse, kind, evidence=evidence)
    assert consents.may(patient.pk, kind)


def test_a_mistaken_registration_takes_the_papers_made_of_it_along(cast):
    patient = PatientFactory(care_team=[cast.doctor])
    wish = {**RecordWish().as_json(), "language": "id"}
    job = jobs.request(kind=record_jobs.KIND, actor=cast.doctor, patient_id=patient.pk, parameters=wish)
    runner.work(job.pk)
    job.refresh_from_db()
    stored = job.result_id
    assert stored is not None
    archiving.delete_mistaken(
        patient_id=patient.pk, actor=cast.admin, reason="Salah ketik", record_number=patient.record_number
    )
    job.refresh_from_db()
    assert job.result_id is None
    assert not StoredFile.objects.filter(pk=stored).exists()


# --- Moments that no calendar has ------------------------------------------------------------------------------------

MOMENTS = ("0001-01-01T00:00", "9999-12-31T23:59", "0001-01-01", "9999-12-31")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_failure_discovered_at_the_edge_of_time(cast, client_for, moment):
    client = client_for(cast.admin)
    for name in ("discovered_at", "began_at", "ended_at"):
        data = {"title": "Laptop hilang", "discovered_at": "2026-03-05T09:00", "risk": "high", name: moment}
        assert client.post(reverse("patients:breach-add"), data).status_code in (302, 422), (name, moment)
    pk = patients_breaches.breach(cast)["pk"]
    sent = {"person": cast.doctor.pk, "since": moment, "until": moment}
    for since, until in ((moment, "2026-03-05T00:00"), ("2026-03-05T00:00", moment)):
        answer = client.post(reverse("patients:breach-opened", args=[pk]), {**sent, "since": since, "until": until})
        assert answer.status_code in (302, 422), (since, until)
    answer = client.post(reverse("patients:breach-notice", args=[pk]), {"to": "agency", "at": moment})
    assert answer.status_code in (302, 409, 422)
    proposal = patients_breaches.proposal(cast)["pk"]
    answer = client.post(
        reverse("patients:retention", args=[proposal]), {"reason": "Perkara", "keep_until": moment[:10]}
    )
    assert answer.status_code in (302, 422)
    for page in ("breach-list", "retention-list"):
        assert client.get(reverse(f"patients:{page}")).status_code == 200


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_request_received_at_the_edge_of_time(cast, client_for, moment):
    client, pk = client_for(cast.admin), PatientFactory().pk
    data = {**patients_rights.NEW, "received_at": moment}
    assert client.post(reverse("patients:data-request-add", args=[pk]), data).status_code in (302, 409, 422)
    assert client.get(reverse("patients:data-request-list")).status_code == 200
    assert client.get(reverse("patients:data-rights", args=[pk])).status_code == 200


@pytest.mark.parametrize("moment", MOMENTS)
def test_people_and_policies_at_the_edge_of_time(cast, client_for, moment):
    client, pk = client_for(cast.admin), PatientFactory().pk
    policy = {"insurer": InsurerFactory().pk, "number": "1", "holder": "self"}
    for days in ({"valid_from": moment[:10]}, {"valid_until": moment[:10]}):
        number = {"number": str(uuid4())}
        answer = client.post(reverse("patients:coverage-add", args=[pk]), {**policy, **number, **days})
        assert answer.status_code in (302, 422), days
    assert client.get(reverse("patients:coverages", args=[pk])).status_code == 200
    found = {"kind": "unknown", "sex": "male", "age_band": "5", "found_at": moment, "registration_key": str(uuid4()),
             "birth_date": moment[:10]}  # fmt: skip
    assert client.post(reverse("patients:register"), found).status_code in (302, 409, 422)
    for name in ("registered_from", "registered_until"):
        data = {**patients_imports.wanted(cast), name: moment[:10]}
        answer = client.post(reverse("patients:export"), data)
        assert answer.status_code in (302, 422)
        if answer.status_code == 302:
            job = Job.objects.order_by("-pk").first()
            runner.run_to_end(job.pk)
            job.refresh_from_db()
            assert job.state == Job.State.DONE, (name, moment, job.error_code)


# --- Forms that are too big ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    ["q=" + "a" * 10_000_000, "&".join(f"f{at}=1" for at in range(2500)), "q=" + "a" * 17_000_000],
    ids=["10 MB", "2500 fields", "17 MB"],
)
def test_forms_too_big_to_be_ours_are_refused_in_words(cast, client_for, body):
    client, pk = client_for(cast.receptionist), PatientFactory().pk
    for url in (
        reverse("patients:register"),
        reverse("patients:registration-draft"),
        reverse("patients:consent-general", args=[pk]),
        reverse("patients:document-add", args=[pk]),
    ):
        answer = client.post(url, body, content_type="application/x-www-form-urlencoded")
        assert answer.status_code in (413, 422), (url, answer.status_code)
        assert len(answer.content) > 60, url


# --- Who read what ---------------------------------------------------------------------------------------------------


def test_seeing_who_is_affected_by_a_failure_is_written(cast, client_for):
    person = PatientFactory(full_name="Wulan Kusuma")
    pk = patients_breaches.breach(cast)["pk"]
    AffectedPatient.objects.create(breach_id=pk, patient=person, added_at=clock.now())
    url = reverse("patients:breach", args=[pk])
    assert person.full_name in client_for(cast.admin).get(url).content.decode()
    event = AuditEvent.objects.get(action="patients.breach.viewed")
    assert (event.actor_id, event.detail) == (cast.admin.pk, {"shown": 1})
    assert person.full_name not in client_for(cast.owner).get(url).content.decode()


def test_seeing_rows_that_look_like_patients_is_written(cast, client_for):
    known = PatientFactory(full_name="Siti Aminah", birth_date=date(1985, 3, 12))
    pk = patients_imports.checked(cast)["pk"]
    PatientImportRow.objects.update_or_create(
        source_id=pk, number=2, defaults={"outcome": "duplicate", "problem": "person", "patient": known}
    )
    text = client_for(cast.admin).get(reverse("patients:import-problems", args=[pk])).content.decode()
    assert known.record_number in text
    assert AuditEvent.objects.filter(action="patients.import.problems_viewed", actor_id=cast.admin.pk).count() == 1


def test_a_list_with_niks_is_loaded_with_a_fresh_second_step(cast, client_for):
    client = client_for(cast.admin)
    client.get(reverse("patients:export"))
    for columns, status in ((["full_name", "nik"], 302), (["full_name"], 200)):
        asked = exports.parameters(columns=columns, reason="report", ending="csv")
        job = jobs.request(kind=exports.EXPORT, actor=cast.admin, parameters=asked)
        runner.work(job.pk)
        url = reverse("jobs:result", args=[job.pk])
        stale(client)
        assert client.get(url).status_code == status, columns


def stale(client):
    session = client.session
    session[FACTOR_AT] = int((clock.now() - timedelta(hours=2)).timestamp())
    session.save()


def test_the_copy_of_all_data_is_loaded_with_a_fresh_second_step(cast, client_for):
    made = acts.start_copy(request_id=receive(actor=cast.admin).pk, actor=cast.admin, language="id")
    runner.work(made.copy_id)
    client = client_for(cast.admin)
    url = reverse("jobs:result", args=[made.copy_id])
    assert client.get(url).status_code == 200
    stale(client)
    assert client.get(url).status_code == 302
    assert AuditEvent.objects.filter(action="jobs.result.downloaded").count() == 1


def test_a_check_that_fails_does_not_log_what_stands_in_a_record(cast, caplog, monkeypatch):
    name = integrity.checks()[0].name

    class Broken:
        def find(self, *args):
            raise ValueError("Siti Aminah 2171015203850001")

    run = checks.IntegrityRun.objects.create(started_at=clock.now())
    monkeypatch.setattr(integrity, "get", lambda _name: Broken())
    checks._check(run.pk, name)
    assert "ValueError" in caplog.text
    assert "Siti" not in caplog.text


def test_the_view_gives_a_used_form_a_new_key(cast, client_for):
    key = str(uuid4())
    first = registered(cast.receptionist, key)
    client = client_for(cast.receptionist)
    data = patients.new_patient(cast) | {"full_name": "Wayan Sudira", "registration_key": key}
    answer = client.post(reverse("patients:register"), data)
    assert answer.status_code == 409
    assert answer.context["form"]["registration_key"].value() not in ("", key)
    assert Patient.objects.get().pk == first.pk


def test_a_failure_sent_twice_stands_in_the_register_once(cast, client_for):
    client, data = client_for(cast.admin), patients_breaches.facts(cast)
    url = reverse("patients:breach-add")
    assert client.post(url, data).status_code == 302
    again = client.post(url, data)
    number = Breach.objects.get().number
    assert (again.status_code, number in again.content.decode()) == (409, True)
    assert client.post(url, {**data, "title": "Surel salah alamat"}).status_code == 302
    assert sorted(Breach.objects.values_list("number", flat=True))[-1].endswith("0002")


@pytest.mark.django_db(transaction=True)
def test_a_failure_sent_by_two_clicks_at_once_stands_in_the_register_once(cast, race):
    facts = {"title": "Laptop hilang", "discovered_at": clock.now() - timedelta(hours=1)}
    actor = cast.admin
    results = race(lambda: record_breach(actor=actor, **facts), [(), ()])
    assert {type(one) for one in results} == {Breach, BreachKnown}
    assert Breach.objects.count() == 1
