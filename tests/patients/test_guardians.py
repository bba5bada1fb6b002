"""Who becomes a guardian, who decides, and when it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from core import clock
from notifications.models import DailyDuty, Email, Notice
from patients import services, tasks
from patients.errors import (
    GuardianLinkClosed,
    GuardianLinkExists,
    InvalidPatientData,
    NotYourGuardianLink,
    OwnGuardianLink,
    ProofMissing,
    ReasonMissing,
    TooManyGuardianRequests,
    WrongGuardian,
)
from patients.guardians import adult_on, guardians_of, is_minor, may_act_for, user_ids_of
from patients.models import GuardianLink, Patient
from tests.factories.accounts import PatientUserFactory, UserFactory
from tests.factories.patients import GuardianLinkFactory, GuardianRequestFactory, PatientFactory

pytestmark = pytest.mark.django_db

CHILD_BORN = date(2018, 6, 2)


@pytest.fixture
def child(db):
    return PatientFactory(full_name="Budi Kecil", birth_date=CHILD_BORN, email="")


@pytest.fixture
def adult(db):
    return PatientFactory(full_name="Mbah Surti", birth_date=date(1945, 3, 1), email="surti@surat.example")


def proven(cast, dependant, **changes):
    """Arguments of `add_link` by the receptionist, with the patient's account as guardian."""
    return {
        "guardian_id": cast.patient_user.pk,
        "dependant_id": dependant.pk,
        "relationship": "PRN",
        "proof": "family_card",
        "actor": cast.receptionist,
        **changes,
    }


def add(cast, dependant, **changes):
    return services.add_link(**proven(cast, dependant, **changes))


# --- The wrong people -------------------------------------------------------------------------------------------


def test_nobody_decides_on_a_link_of_their_own_account(cast, child):
    double = PatientUserFactory(username="fitri.pribadi", full_name=cast.receptionist.full_name.upper())
    PatientFactory(user=double, full_name=double.full_name)
    with pytest.raises(OwnGuardianLink):
        add(cast, child, guardian_id=double.pk)
    request = GuardianRequestFactory(guardian=double)
    with pytest.raises(OwnGuardianLink):
        services.prove_link(
            link_id=request.pk, dependant_id=child.pk, relationship="PRN", proof="family_card", actor=cast.receptionist
        )
    with pytest.raises(OwnGuardianLink):
        services.reject_link(link_id=request.pk, reason="x", actor=cast.receptionist)
    link = GuardianLinkFactory(guardian=double)
    with pytest.raises(OwnGuardianLink):
        services.end_link(link_id=link.pk, reason="x", actor=cast.receptionist)
    assert not may_act_for(double, child.pk)
    assert set(GuardianLink.objects.values_list("status", flat=True)) == {"requested", "active"}


def test_who_cannot_be_a_guardian(cast, child):
    teenager = PatientUserFactory(full_name="Remaja")
    PatientFactory(user=teenager, birth_date=date(2009, 1, 1))
    nobody = PatientUserFactory(full_name="Tanpa Rekam Medis")
    closed = PatientUserFactory(full_name="Nonaktif", is_active=False)
    PatientFactory(user=closed)
    for user in (teenager, nobody, closed, cast.nurse):
        with pytest.raises(WrongGuardian):
            add(cast, child, guardian_id=user.pk)
    own = cast.patient_user.patient
    with pytest.raises(WrongGuardian):
        add(cast, own, proof="court_order")
    child.status = Patient.Status.ARCHIVED
    child.save(update_fields=["status"])
    with pytest.raises(WrongGuardian):
        add(cast, child)
    assert not GuardianLink.objects.exists()


def test_strangers_end_nothing(cast, child):
    link = add(cast, child)
    for actor in (cast.other_patient_user, cast.doctor, cast.nurse, cast.cashier):
        with pytest.raises(NotYourGuardianLink):
            services.end_link(link_id=link.pk, reason="x", actor=actor)
    link.refresh_from_db()
    assert link.status == "active"
    assert may_act_for(cast.patient_user, child.pk)


def test_a_guardian_reads_no_other_record_and_staff_are_no_guardians(cast, child):
    add(cast, child)
    stranger = PatientFactory()
    assert may_act_for(cast.patient_user, child.pk)
    assert not may_act_for(cast.patient_user, stranger.pk)
    assert not may_act_for(cast.other_patient_user, child.pk)
    assert not may_act_for(cast.receptionist, child.pk)
    assert set(Patient.objects.visible_to(cast.patient_user)) == {cast.patient_user.patient, child}
    assert set(Patient.objects.visible_to(cast.other_patient_user)) == {cast.other_patient_user.patient}


@pytest.mark.parametrize("status", ["requested", "rejected", "ended"])
def test_only_active_links_give_access(cast, child, status):
    GuardianLinkFactory(guardian=cast.patient_user, dependant=child, status=status)
    assert not may_act_for(cast.patient_user, child.pk)
    assert list(Patient.objects.visible_to(cast.patient_user)) == [cast.patient_user.patient]
    assert guardians_of(child.pk) == []


def test_a_closed_account_acts_for_nobody(cast, child):
    add(cast, child)
    cast.patient_user.is_active = False
    cast.patient_user.save(update_fields=["is_active"])
    assert not may_act_for(cast.patient_user, child.pk)
    assert not Patient.objects.visible_to(cast.patient_user).exists()
    assert guardians_of(child.pk) == []


# --- Proof ------------------------------------------------------------------------------------------------------


def test_an_adults_link_needs_a_power_of_attorney_or_a_judge(cast, adult):
    for proof in ("", "family_card", "birth_certificate", "passport"):
        with pytest.raises(ProofMissing):
            add(cast, adult, relationship="CHILD", proof=proof)
    link = add(cast, adult, relationship="CHILD", proof="power_of_attorney", ends_on=date(2027, 1, 1))
    assert (link.ends_on, link.is_for_child) == (date(2027, 1, 1), False)
    endless = add(
        cast, PatientFactory(birth_date=date(1950, 1, 1)), relationship="SPS", proof="court_order", proof_note="No. 12"
    )
    assert (endless.ends_on, endless.proof_note) == (None, "No. 12")


def test_a_childs_link_ends_at_18_at_the_latest(cast, child):
    assert add(cast, child).ends_on == date(2036, 6, 2)
    other = PatientFactory(birth_date=CHILD_BORN)
    assert add(cast, other, ends_on=date(2050, 1, 1)).ends_on == date(2036, 6, 2)
    third = PatientFactory(birth_date=CHILD_BORN)
    assert add(cast, third, ends_on=date(2026, 8, 1)).ends_on == date(2026, 8, 1)
    for day in (clock.today(), clock.today() - timedelta(days=1)):
        with pytest.raises(InvalidPatientData):
            add(cast, PatientFactory(birth_date=CHILD_BORN), ends_on=day)


def test_proving_is_written_down_and_told(cast, child):
    child.email = "budi@surat.example"
    child.save(update_fields=["email"])
    link = add(cast, child)
    event = AuditEvent.objects.get(action="patients.guardian_link.proven")
    assert (event.actor_id, event.patient_id, event.target_id) == (cast.receptionist.pk, child.pk, str(link.pk))
    assert event.detail == {"guardian": str(cast.patient_user.pk), "relationship": "PRN", "proof": "family_card"}
    assert sorted(Email.objects.values_list("template", "to_address")) == [
        ("guardian_active", "budi@surat.example"),
        ("guardian_active", cast.patient_user.email),
    ]
    assert Notice.objects.get().recipient == cast.patient_user
    for email in Email.objects.all():
        assert "Kecil" not in email.subject
        if email.to_address == cast.patient_user.email:
            assert "Kecil" not in email.body_text


def test_the_database_knows_the_end_and_the_proof_only_in_cipher(cast, child):
    link = add(cast, child, proof_note="KK 2171010101")
    with connection.cursor() as cursor:
        cursor.execute("SELECT ends_on, proof_note FROM patients_guardianlink")
        ends_on, note = cursor.fetchone()
    assert "2036" not in str(ends_on)
    assert "2171" not in note
    assert GuardianLink.objects.get(pk=link.pk).proof_note == "KK 2171010101"


def test_one_active_link_per_pair(cast, child):
    link = add(cast, child)
    with pytest.raises(GuardianLinkExists):
        add(cast, child)
    with pytest.raises(IntegrityError), transaction.atomic():
        GuardianLinkFactory(guardian=cast.patient_user, dependant=child)
    services.end_link(link_id=link.pk, reason="KK baru", actor=cast.receptionist)
    assert add(cast, child).pk != link.pk
    assert GuardianLink.objects.count() == 2


def test_an_active_link_without_proof_is_refused_by_the_database(cast, child):
    for hole in ({"dependant": None}, {"proven_at": None}, {"proven_by": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            GuardianLinkFactory(guardian=cast.patient_user, **{"dependant": child, "ends_on": None, **hole})


# --- Asking in the portal ---------------------------------------------------------------------------------------


def ask(cast, **changes):
    fields = {"full_name": "Budi Kecil", "birth_date": CHILD_BORN, "relationship": "PRN", **changes}
    return services.request_link(guardian=cast.patient_user, **fields)


def test_asking_tells_nothing_and_gives_nothing(cast, child):
    assert cast.receptionist.pk
    link, unknown = ask(cast), ask(cast, full_name="Tidak Ada")
    for one in (link, unknown):
        assert (one.status, one.dependant_id, one.proof) == ("requested", None, "")
    assert not may_act_for(cast.patient_user, child.pk)
    assert {notice.recipient for notice in Notice.objects.all()} == {cast.receptionist}
    assert ask(cast, full_name="BUDI KECIL").pk == link.pk, "a double click is one request"


def test_requests_are_limited(cast):
    for number in range(5):
        ask(cast, full_name=f"Anak {'ABCDE'[number]}")
    with pytest.raises(TooManyGuardianRequests):
        ask(cast, full_name="Anak Keenam")
    assert GuardianLink.objects.count() == 5


@pytest.mark.parametrize(
    "changes",
    [{"full_name": ""}, {"birth_date": date(2030, 1, 1)}, {"relationship": "KING"}, {"full_name": "x" * 300}],
    ids=str,
)
def test_wrong_requests(cast, changes):
    with pytest.raises(InvalidPatientData):
        ask(cast, **changes)
    assert not GuardianLink.objects.exists()


def test_a_request_is_decided_once(cast, child):
    link = ask(cast)
    services.prove_link(
        link_id=link.pk, dependant_id=child.pk, relationship="GUARD", proof="court_order", actor=cast.admin
    )
    link.refresh_from_db()
    assert (link.status, link.dependant_id, link.relationship, link.proven_by) == (
        "active",
        child.pk,
        "GUARD",
        cast.admin,
    )
    with pytest.raises(GuardianLinkClosed):
        services.reject_link(link_id=link.pk, reason="x", actor=cast.receptionist)
    with pytest.raises(GuardianLinkClosed):
        services.prove_link(
            link_id=link.pk, dependant_id=child.pk, relationship="PRN", proof="family_card", actor=cast.admin
        )


def test_a_refusal_has_a_reason_that_the_asking_person_reads(cast):
    link = ask(cast)
    with pytest.raises(ReasonMissing):
        services.reject_link(link_id=link.pk, reason=" ", actor=cast.receptionist)
    services.reject_link(link_id=link.pk, reason="KK tidak cocok", actor=cast.receptionist)
    email = Email.objects.get()
    assert (email.template, "KK tidak cocok" in email.body_text) == ("guardian_rejected", True)
    assert "KK tidak cocok" not in str(list(Notice.objects.values())), (
        "encrypted in the link, so not in clear beside it"
    )
    with pytest.raises(GuardianLinkClosed):
        services.end_link(link_id=link.pk, reason="x", actor=cast.receptionist)


# --- Ending -----------------------------------------------------------------------------------------------------


def test_who_may_end_a_link(cast, child, adult):
    link = add(cast, child)
    with pytest.raises(ReasonMissing):
        services.end_link(link_id=link.pk, reason="", actor=cast.receptionist)
    services.end_link(link_id=link.pk, reason="", actor=cast.patient_user)
    assert not may_act_for(cast.patient_user, child.pk)
    with pytest.raises(GuardianLinkClosed):
        services.end_link(link_id=link.pk, reason="", actor=cast.patient_user)

    adult.user = PatientUserFactory(full_name="Mbah Surti")
    adult.save(update_fields=["user"])
    second = add(cast, adult, relationship="CHILD", proof="power_of_attorney")
    assert set(user_ids_of(adult)) == {adult.user_id, cast.patient_user.pk}
    services.end_link(link_id=second.pk, reason="", actor=adult.user)
    assert not may_act_for(cast.patient_user, adult.pk)
    assert may_act_for(adult.user, adult.pk)


def test_a_child_with_an_own_account_cannot_end_it(cast, child):
    child.user = PatientUserFactory(full_name="Budi Kecil")
    child.save(update_fields=["user"])
    link = add(cast, child)
    with pytest.raises(NotYourGuardianLink):
        services.end_link(link_id=link.pk, reason="", actor=child.user)
    assert may_act_for(cast.patient_user, child.pk)


@pytest.mark.parametrize(
    ("born", "adult_from"),
    [
        (date(2008, 3, 6), date(2026, 3, 6)),
        (date(2008, 2, 29), date(2026, 3, 1)),
        (date(2010, 2, 28), date(2028, 2, 28)),
        (date(2010, 12, 31), date(2028, 12, 31)),
        (date(1982, 2, 28), date(2000, 2, 28)),
    ],
)
def test_the_day_of_adulthood(born, adult_from):
    assert adult_on(born) == adult_from
    assert clock.age_parts(born, adult_from)[0] == 18
    assert clock.age_parts(born, adult_from - timedelta(days=1))[0] == 17


@pytest.mark.parametrize(
    ("instant", "may"),
    [
        (datetime(2026, 6, 1, 16, 30, tzinfo=UTC), True),  # 1 June, 23.30 WIB
        (datetime(2026, 6, 1, 16, 59, 50, tzinfo=UTC), True),
        (datetime(2026, 6, 1, 17, 0, tzinfo=UTC), False),  # 2 June, 00.00 WIB
        (datetime(2026, 6, 1, 17, 30, tzinfo=UTC), False),  # 2 June, 00.30 WIB, no job has run
    ],
)
def test_access_ends_at_the_clinics_midnight_without_any_job(cast, instant, may):
    child = PatientFactory(birth_date=date(2008, 6, 2))
    add(cast, child)
    with time_machine.travel(instant, tick=False):
        assert is_minor(child) is may
        assert may_act_for(cast.patient_user, child.pk) is may
        assert (child in Patient.objects.visible_to(cast.patient_user)) is may
        assert guardians_of(child.pk) == ([cast.patient_user] if may else [])
    assert GuardianLink.objects.get().status == "active"


def test_a_leap_day_child_is_seen_on_28_february_and_not_on_1_march(cast):
    with time_machine.travel(datetime(2026, 2, 27, 3, 0, tzinfo=UTC), tick=False):
        child = PatientFactory(birth_date=date(2008, 2, 29))
        add(cast, child)
    for day, may in (
        (datetime(2026, 2, 28, 16, 59, tzinfo=UTC), True),
        (datetime(2026, 2, 28, 17, 0, tzinfo=UTC), False),
    ):
        with time_machine.travel(day, tick=False):
            assert may_act_for(cast.patient_user, child.pk) is may


def test_a_link_whose_date_has_passed_makes_room_for_a_new_one(cast):
    child = PatientFactory(birth_date=date(2008, 6, 2))
    old = add(cast, child)
    with time_machine.travel(datetime(2026, 6, 2, 3, 0, tzinfo=UTC), tick=False):
        new = add(cast, child, proof="power_of_attorney", relationship="PRN")
        old.refresh_from_db()
        assert (old.status, new.status, new.ends_on) == ("ended", "active", None)
        assert may_act_for(cast.patient_user, child.pk)


def run_duty(instant):
    with time_machine.travel(instant, tick=False):
        return tasks.end_guardian_links()


def test_the_daily_duty_announces_once_and_ends_once(cast):
    child = PatientFactory(birth_date=date(2008, 6, 2), email="budi@surat.example")
    link = add(cast, child)
    young = add(cast, PatientFactory(birth_date=CHILD_BORN, email=""))
    Email.objects.all().delete()
    Notice.objects.all().delete()

    run_duty(datetime(2026, 5, 2, 1, 0, tzinfo=UTC))  # 31 days before
    assert not Email.objects.exists()
    assert not run_duty(datetime(2026, 5, 2, 23, 0, tzinfo=UTC)), "06.00 WIB is too early"
    for hour in (1, 2, 3):
        run_duty(datetime(2026, 5, 3, hour, 0, tzinfo=UTC))  # 30 days before
    run_duty(datetime(2026, 5, 4, 1, 0, tzinfo=UTC))
    assert sorted(Email.objects.values_list("template", "to_address")) == [
        ("guardian_ending", "budi@surat.example"),
        ("guardian_ending", cast.patient_user.email),
    ]
    assert [(notice.kind, notice.params) for notice in Notice.objects.all()] == [
        ("guardian_ending", {"ends_on": "2026-06-02"})
    ]

    run_duty(datetime(2026, 6, 1, 1, 0, tzinfo=UTC))
    link.refresh_from_db()
    assert link.status == "active"
    run_duty(datetime(2026, 6, 2, 1, 0, tzinfo=UTC))
    run_duty(datetime(2026, 6, 3, 1, 0, tzinfo=UTC))
    link.refresh_from_db()
    young.refresh_from_db()
    assert (link.status, link.ended_by, young.status) == ("ended", None, "active")
    assert Email.objects.filter(template="guardian_ended").count() == 2
    assert Notice.objects.filter(kind="guardian_ended").count() == 1
    event = AuditEvent.objects.get(action="patients.guardian_link.ended")
    assert (event.actor_id, event.patient_id, event.detail["by_date"]) == (None, child.pk, True)
    assert DailyDuty.objects.filter(duty="patients.guardian_links").count() == 6


def test_the_desk_corrects_a_birth_date_and_the_links_follow(cast):
    child = PatientFactory(birth_date=CHILD_BORN)
    link = add(cast, child)
    short = add(cast, child, guardian_id=cast.other_patient_user.pk, ends_on=date(2026, 9, 1))
    services.update_patient(patient_id=child.pk, actor=cast.admin, version=1, birth_date=date(2009, 6, 2))
    link.refresh_from_db()
    short.refresh_from_db()
    assert (link.ends_on, short.ends_on) == (date(2027, 6, 2), date(2026, 9, 1))
    services.update_patient(patient_id=child.pk, actor=cast.admin, version=2, birth_date=date(2000, 6, 2))
    for user in (cast.patient_user, cast.other_patient_user):
        assert not may_act_for(user, child.pk), "an adult after all: a child's proof is not enough"


def test_somebody_thought_to_be_an_adult_turns_out_to_be_a_child(cast, adult):
    link = add(cast, adult, proof="power_of_attorney", relationship="O")
    services.update_patient(patient_id=adult.pk, actor=cast.admin, version=1, birth_date=date(2010, 1, 5))
    link.refresh_from_db()
    assert (link.ends_on, link.is_for_child) == (date(2028, 1, 5), True)


# --- Mails and notices about a dependant --------------------------------------------------------------------------


def test_guardians_get_the_mails_without_the_name(cast, child):
    child.email = "budi@surat.example"
    child.save(update_fields=["email"])
    add(cast, child)
    Email.objects.all().delete()
    facts = {"invoice_number": "INV/1", "amount_idr": 1000}
    for _twice in range(2):
        services.mail_patient(patient=child, template="payment_reminder", context=facts, dedupe_key="k")
    mails = {email.to_address: email for email in Email.objects.all()}
    assert set(mails) == {"budi@surat.example", cast.patient_user.email}
    assert "Budi Kecil" in mails["budi@surat.example"].body_text
    mail = mails[cast.patient_user.email]
    assert "Budi" not in mail.body_text + mail.body_html + mail.subject
    assert cast.patient_user.full_name in mail.body_text
    assert (mail.patient_id, mail.recipient_user) == (child.pk, cast.patient_user)


def test_one_address_gets_one_mail(cast, child):
    child.email = cast.patient_user.email.upper()
    child.save(update_fields=["email"])
    add(cast, child)
    Email.objects.all().delete()
    facts = {"invoice_number": "INV/1", "amount_idr": 1000}
    services.mail_patient(patient=child, template="payment_reminder", context=facts, dedupe_key="k")
    assert Email.objects.count() == 1


def test_notices_reach_the_guardian_and_say_that_they_are_about_somebody_else(cast, child):
    add(cast, child)
    Notice.objects.all().delete()
    params = {"queue": "A012", "room": "Poli Umum"}
    services.notify_patient(patient=child, kind="patient_called", params=params)
    notice = Notice.objects.get()
    assert (notice.recipient, notice.is_about_dependant) == (cast.patient_user, True)
    services.notify_patient(patient=child, kind="patient_called", params=params, but=cast.patient_user)
    assert Notice.objects.count() == 1


# --- Staff screens ------------------------------------------------------------------------------------------------


def url(name, *args):
    return reverse(f"patients:{name}", args=args)


def test_the_desk_adds_a_guardian(cast, client_for, child):
    guardian, client = cast.patient_user.patient, client_for(cast.receptionist)
    page = url("guardian-add", child.pk)
    for text in ("", "tidak@ada.example", "999999", "abc", "\x00", "1" * 400, guardian.record_number + "'"):
        answer = client.post(page, {"look_for": text})
        assert answer.status_code == 422, text
    for text in (guardian.record_number, f" {cast.patient_user.email.upper()} "):
        found = client.post(page, {"look_for": text})
        assert found.status_code == 200
        assert guardian.full_name in found.content.decode()
        assert cast.patient_user.email not in found.context["guardian"].full_name
    data = {"guardian": str(guardian.pk), "relationship": "PRN", "proof": "family_card"}
    assert client.post(page, {**data, "proof": ""}).status_code == 422
    assert client.post(page, {**data, "guardian": "x"}).status_code == 404
    assert client.post(page, {**data, "guardian": str(child.pk)}).status_code == 422, "no account"
    assert client.post(page, {**data, "ends_on": "2020-01-01"}).status_code == 422
    assert not GuardianLink.objects.exists()
    assert client.post(page, data)["Location"] == url("detail", child.pk)
    assert client.post(page, data).status_code == 409
    assert may_act_for(cast.patient_user, child.pk)
    panel = client.get(url("guardians", child.pk), headers={"HX-Request": "true"}).content.decode()
    assert guardian.full_name in panel
    assert "<html" not in panel
    assert child.full_name in client.get(url("guardians", guardian.pk)).content.decode()


def test_the_desk_decides_a_request(cast, client_for, child):
    link, client = ask(cast), client_for(cast.receptionist)
    assert "Budi Kecil" in client.get(url("guardian-request-list")).content.decode()
    page = url("guardian-request", link.pk)
    assert child.record_number in client.get(page).content.decode()
    assert client.post(page, {"look_for": "999999"}).status_code == 422
    chosen = client.post(page, {"look_for": child.record_number})["Location"]
    assert chosen == f"{page}?patient={child.pk}"
    assert client.get(f"{page}?patient={link.pk}").status_code == 404
    assert client.get(f"{page}?patient=x").status_code == 200
    assert 'name="dependant"' in client.get(chosen).content.decode()
    data = {"dependant": str(child.pk), "relationship": "PRN", "proof": "family_card"}
    assert client.post(page, {**data, "proof": "x"}).status_code == 422
    assert client.post(page, data).status_code == 302
    assert client.post(page, data).status_code == 409
    assert client.post(url("guardian-request-reject", link.pk), {"reason": "x"}).status_code == 409
    assert client.post(url("guardian-link-end", link.pk), {"reason": ""}).status_code == 422
    assert client.post(url("guardian-link-end", link.pk), {"reason": "Cerai"}).status_code == 302
    assert client.post(url("guardian-link-end", link.pk), {"reason": "Cerai"}).status_code == 404
    assert not may_act_for(cast.patient_user, child.pk)


def test_the_list_of_requests_does_not_grow_in_queries(cast, client_for):
    client, counts = client_for(cast.receptionist), []
    for more in (3, 27):
        for _ in range(more):
            user = PatientUserFactory()
            PatientFactory(user=user)
            GuardianRequestFactory(guardian=user)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url("guardian-request-list")).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15


def test_a_family_shares_one_phone(cast, client_for):
    """Registering several people with one number is no duplicate."""
    client = client_for(cast.receptionist)
    for name, born in (("Ibu Ratna", "1988-02-03"), ("Anak Satu", "2015-05-01"), ("Anak Dua", "2018-06-02")):
        data = {
            "full_name": name, "birth_date": born, "sex": "female", "phone": "081234567000", "guarantor": "self",
            "language": "id", "nik_missing": "not_shown", "kind": "regular",
        }  # fmt: skip
        assert client.post(url("register"), data).status_code == 302
    assert Patient.objects.filter(phone_bidx__isnull=False).values("phone_bidx").distinct().count() == 1
    assert Patient.objects.count() == 3


# --- Races --------------------------------------------------------------------------------------------------------


def test_two_staff_prove_one_request_at_once(cast, race):
    link = GuardianRequestFactory(guardian=cast.patient_user)
    children = [PatientFactory(birth_date=CHILD_BORN, email="") for _ in range(6)]
    assert cast.patient_user.patient.pk
    actors = [UserFactory(full_name=f"Petugas {letter}") for letter in "ABCDEF"]

    def prove(child, actor):
        return services.prove_link(
            link_id=link.pk, dependant_id=child.pk, relationship="PRN", proof="family_card", actor=actor
        )

    results = race(prove, list(zip(children, actors, strict=True)))
    assert sum(isinstance(one, GuardianLink) for one in results) == 1
    assert sum(isinstance(one, GuardianLinkClosed) for one in results) == 5
    assert GuardianLink.objects.filter(status="active").count() == 1
    assert AuditEvent.objects.filter(action="patients.guardian_link.proven").count() == 1
    assert Email.objects.filter(template="guardian_active").count() == 1


def test_two_desks_add_the_same_link_at_once(cast, race):
    child = PatientFactory(birth_date=CHILD_BORN, email="")
    arguments = proven(cast, child)
    assert cast.patient_user.patient.pk
    results = race(lambda: services.add_link(**arguments), [()] * 8)
    assert sum(isinstance(one, GuardianLink) for one in results) == 1
    assert sum(isinstance(one, GuardianLinkExists) for one in results) == 7
    assert GuardianLink.objects.count() == 1


def test_one_person_asks_ten_times_at_once(cast, race):
    user = cast.patient_user
    arguments = {"guardian": user, "full_name": "Budi Kecil", "birth_date": CHILD_BORN, "relationship": "PRN"}
    results = race(lambda: services.request_link(**arguments), [()] * 10)
    assert len({one.pk for one in results}) == 1
    assert GuardianLink.objects.count() == 1


def test_many_workers_end_a_link_once(cast, race):
    child = PatientFactory(birth_date=date(2008, 6, 2), email="")
    add(cast, child)
    with time_machine.travel(datetime(2026, 6, 2, 3, 0, tzinfo=UTC), tick=False):
        results = race(services.end_due_links, [()] * 6)
    assert sum(results) == 1
    assert Email.objects.filter(template="guardian_ended").count() == 1
    assert AuditEvent.objects.filter(action="patients.guardian_link.ended").count() == 1
