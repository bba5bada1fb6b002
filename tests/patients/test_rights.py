"""Requests about personal data: taken in, answered in time, withdrawn, warned of; and what is suspended."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import translation

from audit.models import AuditEvent
from core import clock
from core.errors import NotPermitted
from notifications.models import Email, Notice
from patients import consents, limits, rights
from patients.errors import PatientMerged, ReasonMissing
from patients.models import ConsentKind, DataRequest, Erasure, PatientDocument, ProcessingLimit
from patients.rights_errors import (
    InvalidRequest,
    LimitLifted,
    NotDoneYet,
    RequestClosed,
    RequestExists,
    TooManyOpenRequests,
)
from patients.services import limits as limit_acts
from patients.services import rights as acts
from patients.services import update_patient
from patients.services.documents import ReadyFile
from patients.services.mail import mail_patient, notify_patient
from tests.conftest import sign_in
from tests.factories.consents import give_choice
from tests.factories.patients import PatientFactory
from tests.factories.rights import ASKER, decide, receive, suspend

pytestmark = pytest.mark.django_db
LIST = reverse("patients:data-request-list")


def paper():
    from core import files

    return ReadyFile(files.put(b"%PDF-1.4 surat", content_type="application/pdf"), "surat.pdf", 1)


class TestReceiving:
    def test_it_gets_a_number_a_clock_and_everybody_is_told(self, cast):
        patient = PatientFactory(email="siti@contoh.id")
        request = receive(patient, actor=cast.admin)
        assert request.number == "PDP-2026-0001"
        assert request.due_at - request.received_at == timedelta(hours=72)
        assert receive(actor=cast.admin).number == "PDP-2026-0002"
        event = AuditEvent.objects.filter(action="patients.data_request.received").order_by("id").first()
        assert event.patient_id == patient.pk
        assert event.detail == {"number": "PDP-2026-0001", "kind": "copy", "channel": "desk"}
        mail = Email.objects.get(template="data_request_received")
        assert "PDP-2026-0001" not in mail.subject
        assert mail.to_address == "siti@contoh.id"
        assert Notice.objects.filter(recipient=cast.admin, kind="data_request_received").count() == 2

    def test_a_letter_counts_from_when_it_came(self, cast):
        came = clock.now() - timedelta(hours=50)
        request = receive(actor=cast.admin, channel="letter", received_at=came, letter=paper())
        assert request.due_at == came + timedelta(hours=72)
        assert request.evidence.category == PatientDocument.Category.REQUEST
        assert request.evidence.is_internal

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"kind": "gift"}, "kind"),
            ({"channel": "dream"}, "channel"),
            ({"asker": acts.Asker(" ", "", "KTP")}, "requester_name"),
            ({"asker": acts.Asker("Siti", "", " ")}, "proof"),
            ({"kind": "correction", "details": " "}, "details"),
            ({"kind": "erasure", "details": ""}, "details"),
            ({"kind": "restriction", "scopes": []}, "scopes"),
            ({"kind": "restriction", "scopes": ["care"]}, "scopes"),
            ({"received_at": "future"}, "received_at"),
            ({"received_at": "old"}, "received_at"),
        ],
    )
    def test_what_is_missing_is_named_and_nothing_is_written(self, cast, fields, field):
        moments = {"future": clock.now() + timedelta(minutes=5), "old": clock.now() - timedelta(days=61)}
        if "received_at" in fields:
            fields = {"received_at": moments[fields["received_at"]]}
        with pytest.raises(InvalidRequest) as refused:
            receive(actor=cast.admin, **fields)
        assert refused.value.field == field
        assert not DataRequest.objects.exists()

    def test_the_same_is_taken_in_once(self, cast):
        patient = PatientFactory()
        receive(patient, actor=cast.admin)
        with pytest.raises(RequestExists):
            receive(patient, actor=cast.admin)
        receive(patient, actor=cast.admin, kind="erasure")
        assert DataRequest.objects.count() == 2

    def test_only_who_may_act_for_the_patient_asks_in_the_portal(self, cast):
        with pytest.raises(NotPermitted):
            receive(cast.other_patient_user.patient, actor=cast.patient_user, channel="portal")
        assert not DataRequest.objects.exists()

    def test_the_portal_sends_five_at_most(self, cast):
        patient = cast.patient_user.patient
        for number in range(5):
            receive(patient, actor=cast.patient_user, channel="portal", kind="correction", details=f"Salah {number}")
        with pytest.raises(TooManyOpenRequests):
            receive(patient, actor=cast.patient_user, channel="portal")
        receive(patient, actor=cast.admin)  # the desk always can

    def test_not_for_a_merged_record(self, cast):
        with pytest.raises(PatientMerged):
            receive(PatientFactory(status="merged", merged_into=PatientFactory()), actor=cast.admin)

    def test_two_clicks_make_one_request(self, race, cast):
        patient, admin = PatientFactory(), cast.admin

        def go():
            acts.receive_request(patient_id=patient.pk, kind="copy", channel="desk", asker=ASKER, actor=admin)

        outcomes = race(go, [(), (), ()])
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "RequestExists", "RequestExists"]
        assert DataRequest.objects.count() == 1


class TestTheClock:
    @pytest.mark.parametrize(
        ("passed", "words", "tone"),
        [
            (timedelta(0), "3 days left", "info"),
            (timedelta(hours=19, minutes=30), "2 days 4 hours left", "info"),
            (timedelta(hours=48), "1 day left", "warning"),
            (timedelta(hours=71, minutes=20), "40 minutes left", "warning"),
            (timedelta(hours=72), "Overdue by 0 minutes", "danger"),
            (timedelta(hours=98), "Overdue by 1 day 2 hours", "danger"),
        ],
    )
    def test_time_left_in_words(self, passed, words, tone):
        at = datetime(2026, 3, 27, 9, 0, tzinfo=clock.zone())
        request = DataRequest(status="received", received_at=at, due_at=at + rights.ANSWER_WITHIN)
        with translation.override("en"):
            found = rights.clock_of(request, at + passed)
        assert (found.label, found.tone) == (words, tone)
        assert found.icon
        assert found.is_overdue == (tone == "danger")

    def test_answers_in_time_and_late(self):
        at = clock.now()
        request = DataRequest(status="refused", received_at=at, due_at=at + rights.ANSWER_WITHIN)
        request.decided_at = request.due_at
        assert rights.clock_of(request).tone == "success"
        request.decided_at += timedelta(hours=5)
        with translation.override("en"):
            assert rights.clock_of(request).label == "Answered 5 hours late"

    def test_warnings_go_out_once_before_and_once_after(self, cast):
        admin, owner = cast.admin, cast.owner
        request = receive(actor=admin)
        for hours, sent in ((47, 0), (49, 1), (60, 0), (73, 1), (99, 0)):
            assert acts.warn_due(request.received_at + timedelta(hours=hours)) == sent
        for person in (admin, owner):
            kinds = Notice.objects.filter(recipient=person, kind__startswith="data_request_")
            assert set(kinds.exclude(kind="data_request_received").values_list("kind", flat=True)) == {
                "data_request_due", "data_request_overdue",
            }  # fmt: skip
        assert Notice.objects.get(recipient=owner, kind="data_request_due").path == ""

    def test_a_sleeping_scheduler_warns_of_what_is_over_once(self, cast):
        request = receive(actor=cast.admin)
        late = request.due_at + timedelta(hours=1)
        assert [acts.warn_due(late), acts.warn_due(late)] == [1, 0]
        assert not Notice.objects.filter(kind="data_request_due").exists()

    def test_nobody_is_warned_of_what_is_answered(self, cast):
        request = decide(receive(actor=cast.admin), actor=cast.admin)
        assert acts.warn_due(request.due_at) == 0


class TestAnswering:
    def test_the_answer_is_written_and_the_patient_told(self, cast):
        patient = cast.patient_user.patient
        request = decide(
            receive(patient, actor=cast.admin), actor=cast.admin, status="partly", ground="others",
            decision="Tanpa nama keluarga.", evidence=paper(),
        )  # fmt: skip
        assert (request.status, request.ground, request.decided_by) == ("partly", "others", cast.admin)
        assert request.evidence.title == request.number
        mail = Email.objects.get(template="data_request_answered")
        assert "keluarga" not in mail.body_text + mail.subject
        assert reverse("patients:portal-data-request", args=[request.pk]) in mail.body_text
        assert Notice.objects.filter(recipient=cast.patient_user, kind="data_request_answered").count() == 1
        event = AuditEvent.objects.get(action="patients.data_request.decided")
        assert (event.detail["status"], event.detail["in_time"]) == ("partly", True)
        assert "Tanpa" not in str(event.detail)

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"status": "received"}, "status"),
            ({"decision": "  "}, "decision"),
            ({"status": "refused"}, "ground"),
            ({"status": "refused", "ground": "retention"}, "ground"),  # no ground to refuse a copy
        ],
    )
    def test_what_is_missing_is_named(self, cast, fields, field):
        request = receive(actor=cast.admin)
        with pytest.raises(InvalidRequest) as refused:
            decide(request, actor=cast.admin, **fields)
        assert refused.value.field == field
        request.refresh_from_db()
        assert request.status == "received"

    def test_once(self, cast):
        request = decide(receive(actor=cast.admin), actor=cast.admin)
        for again in (
            lambda: decide(request, actor=cast.admin),
            lambda: acts.withdraw_request(request_id=request.pk, actor=cast.admin, reason="Telepon"),
        ):
            with pytest.raises(RequestClosed):
                again()

    def test_two_handlers_answer_once(self, race, cast):
        request, admin = receive(actor=cast.admin), cast.admin
        outcomes = race(lambda: decide(request, actor=admin) and None, [(), ()])
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "RequestClosed"]
        assert AuditEvent.objects.filter(action="patients.data_request.decided").count() == 1

    def test_a_copy_for_the_portal_must_lie_ready(self, cast):
        request = receive(cast.patient_user.patient, actor=cast.patient_user, channel="portal")
        with pytest.raises(NotDoneYet):
            decide(request, actor=cast.admin)

    def test_an_erasure_must_have_been_carried_out(self, cast):
        request = receive(actor=cast.admin, kind="erasure")
        with pytest.raises(NotDoneYet):
            decide(request, actor=cast.admin)
        Erasure.objects.create(
            number="HPS-1", patient=request.patient, record_number="000001", request=request, removed=[], kept=[],
            erased_at=clock.now(), erased_by=cast.admin,
        )  # fmt: skip
        assert decide(request, actor=cast.admin).status == "fulfilled"

    def test_a_correction_keeps_what_was_before(self, cast):
        patient = PatientFactory(address="Jl. Lama 1", mother_name="Rohani", nik=None)
        request = receive(patient, actor=cast.admin, kind="correction")
        patient.refresh_from_db()
        update_patient(
            patient_id=patient.pk, version=patient.version, actor=cast.receptionist, address="Jl. Baru 9",
        )  # fmt: skip
        answered = decide(request, actor=cast.admin)
        assert answered.facts == {"changes": [{"name": "address", "before": "Jl. Lama 1", "after": "Jl. Baru 9"}]}
        with translation.override("en"):
            shown = rights.shown_changes(answered)
        assert shown == [{"label": "Address", "before": "Jl. Lama 1", "after": "Jl. Baru 9"}]

    def test_a_nik_is_masked_where_changes_are_shown(self):
        changes = [{"name": "nik", "before": "2171015705900001", "after": "2171015705900002"}]
        assert "2171015705900001" not in str(rights.shown(changes))
        with translation.override("en"):
            assert rights.fact_label("social.religion_label") == "Religion"

    def test_withdrawing_needs_a_reason(self, cast):
        request = receive(actor=cast.admin)
        with pytest.raises(ReasonMissing):
            acts.withdraw_request(request_id=request.pk, actor=cast.admin, reason=" ")
        done = acts.withdraw_request(request_id=request.pk, actor=cast.admin, reason="Pasien menelepon")
        assert (done.status, done.facts["reason"]) == ("withdrawn", "Pasien menelepon")


class TestRestriction:
    def test_it_stops_what_was_named_and_nothing_else(self, cast):
        patient = PatientFactory()
        decide(receive(patient, actor=cast.admin, kind="restriction"), actor=cast.admin, scopes=["messages"])
        assert limits.is_limited(patient.pk, "messages")
        assert not limits.is_limited(patient.pk, "exchange")
        assert not limits.is_limited(PatientFactory().pk, "messages")

    def test_nothing_named_is_refused(self, cast):
        request = receive(actor=cast.admin, kind="restriction")
        with pytest.raises(InvalidRequest):
            decide(request, actor=cast.admin, scopes=[])
        assert not ProcessingLimit.objects.exists()

    def test_it_counts_above_a_consent(self, cast):
        patient = PatientFactory()
        give_choice(patient, cast.receptionist, "satusehat")
        assert consents.may(patient.pk, ConsentKind.SATUSEHAT)
        suspend(patient, actor=cast.admin, scopes=["exchange"])
        assert not consents.may(patient.pk, ConsentKind.SATUSEHAT)
        assert consents.may(patient.pk, ConsentKind.MESSAGES)

    @pytest.mark.parametrize("name", ["patients:consents", "patients:portal-consents"])
    def test_the_consents_say_that_it_counts_above_the_answer(self, client, cast, name):
        patient = cast.patient_user.patient
        give_choice(patient, cast.receptionist, "satusehat")
        give_choice(patient, cast.receptionist, "messages")
        limit = suspend(patient, actor=cast.admin, scopes=["exchange"])[0]
        is_portal = name == "patients:portal-consents"
        sign_in(client, cast.patient_user if is_portal else cast.receptionist)
        url = reverse(name, args=[] if is_portal else [patient.pk])

        with translation.override("id"):
            word = translation.gettext("Suspended")

        def limited():
            page = client.get(url)
            found = {str(one.kind) for one in page.context["purposes"] if one.is_limited}
            assert page.content.decode().count(f"<span>{word}</span>") == len(found)
            return found

        assert limited() == {"satusehat", "insurer"}
        if is_portal:
            page = client.get(reverse("patients:portal-consent-choice", args=["satusehat"])).content.decode()
            assert f"<span>{word}</span>" in page
        else:
            page = client.get(reverse("patients:consent-choice", args=[patient.pk, "satusehat"]))
            assert page.context["is_limited"]
            assert f'<strong class="banner-title">{word}</strong>' in page.content.decode()
            free = client.get(reverse("patients:consent-choice", args=[patient.pk, "messages"]))
            assert word not in free.content.decode()
        limit_acts.lift_limit(limit_id=limit.pk, actor=cast.admin, reason="Diminta pasien")
        assert limited() == set()

    def test_reminders_stop_and_answers_go_on(self, cast):
        patient = cast.patient_user.patient
        patient.email = "siti@contoh.id"
        patient.save(update_fields=["email"])
        suspend(patient, actor=cast.admin)
        assert consents.refusing([patient.pk], ConsentKind.MESSAGES) == {patient.pk}
        assert notify_patient(patient=patient, kind="payment_reminder") == 0
        reminder = {"invoice_number": "INV/1", "amount_idr": 1000}
        assert mail_patient(patient=patient, template="payment_reminder", context=reminder, dedupe_key="a") is None
        answer = mail_patient(
            patient=patient, template="data_request_answered", context={"number": "PDP-2026-0001"}, dedupe_key="b"
        )
        assert answer is not None

    def test_asking_costs_one_statement(self, cast, django_assert_num_queries):
        patient = PatientFactory()
        with django_assert_num_queries(1):
            consents.may(patient.pk, ConsentKind.MESSAGES)
        with django_assert_num_queries(2):
            consents.refusing([patient.pk], ConsentKind.MESSAGES)

    def test_lifting_needs_a_reason_and_happens_once(self, cast):
        patient = PatientFactory()
        limit = suspend(patient, actor=cast.admin)[0]
        with pytest.raises(ReasonMissing):
            limit_acts.lift_limit(limit_id=limit.pk, actor=cast.admin, reason="")
        limit_acts.lift_limit(limit_id=limit.pk, actor=cast.admin, reason="Diminta pasien")
        assert not limits.is_limited(patient.pk, "messages")
        with pytest.raises(LimitLifted):
            limit_acts.lift_limit(limit_id=limit.pk, actor=cast.admin, reason="Lagi")
        assert AuditEvent.objects.filter(action="patients.limit.lifted").count() == 1

    def test_suspending_twice_is_one_limit(self, cast):
        patient = PatientFactory()
        suspend(patient, actor=cast.admin)
        assert suspend(patient, actor=cast.admin) == []
        assert ProcessingLimit.objects.in_force().count() == 1


class TestStaffScreens:
    @pytest.fixture
    def admin(self, client, cast):
        return sign_in(client, cast.admin)

    def test_the_list_is_sorted_by_due(self, admin, cast):
        late = receive(actor=cast.admin, channel="letter", received_at=clock.now() - timedelta(hours=80))
        fresh = receive(actor=cast.admin)
        page = admin.get(LIST)
        assert [line["row"].pk for line in page.context["lines"]] == [late.pk, fresh.pk]
        assert page.context["lines"][0]["clock"].is_overdue
        assert page.context["lines"][0]["clock"].label in page.content.decode()
        assert [line["row"].pk for line in admin.get(LIST, {"show": "closed"}).context["lines"]] == []

    def test_the_list_costs_the_same_for_many(self, admin, cast, django_assert_max_num_queries):
        for count in (3, 27):
            for _number in range(count):
                receive(actor=cast.admin)
            with django_assert_max_num_queries(14):
                admin.get(LIST)

    def test_taking_in_and_answering_in_the_browser(self, admin, cast):
        patient = PatientFactory(full_name="Rahmat Hidayat")
        add = reverse("patients:data-request-add", args=[patient.pk])
        wrong = admin.post(add, {"kind": "correction", "channel": "desk", "requester_name": "Rahmat", "proof": "KTP"})
        assert wrong.status_code == 422
        made = admin.post(
            add,
            {
                "kind": "restriction",
                "scopes": ["education"],
                "channel": "desk",
                "requester_name": "Rahmat",
                "proof": "KTP",
            },
        )
        request = DataRequest.objects.get()
        assert made.url == reverse("patients:data-request-detail", args=[request.pk])
        assert "education" in admin.get(made.url).context["form"].initial["scopes"]
        answer = {"status": "fulfilled", "decision": "Dihentikan.", "scopes": ["education", "messages"]}
        admin.post(reverse("patients:data-request-decide", args=[request.pk]), answer)
        assert set(ProcessingLimit.objects.values_list("scope", flat=True)) == {"education", "messages"}
        page = admin.get(reverse("patients:data-rights", args=[patient.pk])).content.decode()
        assert request.number in page
        assert reverse("patients:limit-lift", args=[ProcessingLimit.objects.first().pk]) in page
        letter = admin.get(reverse("patients:data-request-letter", args=[request.pk]))
        assert letter.content.startswith(b"%PDF")

    def test_the_desk_takes_in_and_does_not_answer(self, client, cast):
        sign_in(client, cast.receptionist)
        patient = PatientFactory()
        made = client.post(
            reverse("patients:data-request-add", args=[patient.pk]),
            {"kind": "copy", "channel": "desk", "requester_name": "Siti", "proof": "KTP dilihat"},
        )
        assert made.url == reverse("patients:detail", args=[patient.pk])
        assert (
            client.get(reverse("patients:data-request-detail", args=[DataRequest.objects.get().pk])).status_code == 403
        )


class TestPortal:
    @pytest.fixture
    def me(self, client, cast):
        from accounts.models import TotpDevice

        TotpDevice.objects.create(user=cast.patient_user, name="Telepon")
        return sign_in(client, cast.patient_user)

    def test_asking_wants_a_fresh_sign_in(self, client, cast):
        sign_in(client, cast.patient_user)
        answer = client.post(reverse("patients:portal-data-request-add", args=["copy"]), {})
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("accounts:factor-confirm"))
        assert not DataRequest.objects.exists()

    def test_asking_seeing_and_taking_back(self, me, cast):
        assert me.post(reverse("patients:portal-data-request-add", args=["erasure"]), {}).status_code == 422
        me.post(reverse("patients:portal-data-request-add", args=["erasure"]), {"details": "Foto saya"})
        request = DataRequest.objects.get()
        assert (request.channel, request.requester_name, request.requester_relation) == ("portal", "Siti Aminah", "")
        page = me.get(reverse("patients:portal-rights")).content.decode()
        assert request.number in page
        me.post(reverse("patients:portal-data-request-withdraw", args=[request.pk]))
        request.refresh_from_db()
        assert request.status == "withdrawn"

    def test_an_unknown_right_is_no_page(self, me):
        assert me.get(reverse("patients:portal-data-request-add", args=["gift"])).status_code == 404

    def test_the_answer_is_read_in_the_portal(self, me, cast):
        request = receive(cast.patient_user.patient, actor=cast.admin, kind="correction")
        decide(request, actor=cast.admin, status="refused", ground="correct", decision="Datanya sudah benar.")
        page = me.get(reverse("patients:portal-data-request", args=[request.pk])).content.decode()
        assert "Datanya sudah benar." in page
        letter = me.get(reverse("patients:portal-data-request-letter", args=[request.pk]))
        assert letter.content.startswith(b"%PDF")

    def test_nobody_takes_back_what_another_person_asked(self, me, cast):
        request = receive(cast.patient_user.patient, actor=cast.admin)
        assert me.post(reverse("patients:portal-data-request-withdraw", args=[request.pk])).status_code == 404
        request.refresh_from_db()
        assert request.status == "received"


@time_machine.travel(datetime(2027, 1, 1, 0, 30, tzinfo=clock.zone()), tick=False)
def test_numbers_begin_anew_each_year_of_the_clinic(cast):
    assert receive(actor=cast.admin).number == "PDP-2027-0001"
