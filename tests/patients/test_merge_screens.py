"""The screens of records that look alike: list, comparison, merge, undo."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from accounts.second_factor import FACTOR_AT
from audit.models import AuditEvent
from patients.merge_rules import RULES
from patients.merge_screens import mask_differing
from patients.models import DuplicatePair, Patient, PatientMerge
from patients.services import pairs
from patients.services.merging import merge_patients
from tests.factories.patients import AllergyFactory, PatientFactory
from tests.factories.scheduling import VisitFactory

pytestmark = pytest.mark.django_db

LIST = "/patients/duplicates/"


def one(rule):
    """What the page says about one row of this kind."""
    with translation.override("id"):
        return str(RULES[rule].words % {"count": 1})


def page(name, row, **query):
    return reverse(f"patients:{name}", args=[row.pk], query=query or None)


@pytest.fixture
def pair(cast):
    first = PatientFactory(full_name="Siti Aminah", phone="+6281111111111", nik="2171015705900001")
    second = PatientFactory(full_name="Sitti Aminah", phone="+6282222222222", birth_date=date(1990, 5, 18))
    VisitFactory(patient=second, status="finished")
    AllergyFactory(patient=second, substance="Udang")
    made = pairs.pair_by_hand(one_id=first.pk, other_id=second.pk, actor=cast.admin)
    return DuplicatePair.objects.select_related("first", "second").get(pk=made.pk)


def merging(pair, **changes):
    return {
        "reason": "KTP sama", "compared": "on", "fact_full_name": "survivor", "fact_phone": "survivor",
        "fact_birth_date": "survivor", "survivor_version": pair.first.version,
        "merged_version": pair.second.version, **changes,
    }  # fmt: skip


def test_the_list_shows_the_likeliest_first_and_costs_the_same_for_many(cast, client_for, pair):
    client = client_for(cast.admin)

    def statements():
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(LIST)
        return len(queries), answer.content.decode()

    statements()
    few, body = statements()
    assert "Sitti Aminah" in body
    for at in range(20):
        one, other = PatientFactory(full_name=f"Rudi {at}"), PatientFactory(full_name=f"Rudi {at}")
        first, second = sorted((one, other), key=lambda row: row.pk)
        DuplicatePair.objects.create(first=first, second=second, score=90, signs=["name"], found_at=one.created_at)
    many, body = statements()
    assert many == few <= 15
    assert body.index("Rudi 19") < body.index("Sitti Aminah")
    assert AuditEvent.objects.filter(action="patients.duplicates.viewed", detail__shown=21).exists()


def test_merged_and_archived_records_leave_the_list(cast, client_for, pair):
    client = client_for(cast.admin)
    Patient.objects.filter(pk=pair.second_id).update(status="archived")
    assert "Sitti Aminah" not in client.get(LIST).content.decode()


def test_the_comparison_says_what_agrees_and_what_hangs_on_each(cast, client_for, pair):
    body = client_for(cast.admin).get(page("duplicate-detail", pair)).content.decode()
    assert "2171015705900001" not in body
    assert one("scheduling.Visit.patient") in body
    assert one("patients.Allergy.patient") in body
    assert "keep=second" in body, "the record on which more hangs is offered to stay"
    reads = AuditEvent.objects.filter(action="patients.chart.read", detail__what="comparison")
    assert {event.patient_id for event in reads} == {pair.first_id, pair.second_id}


def test_two_persons_with_a_reason(cast, client_for, pair):
    client = client_for(cast.admin)
    assert client.post(page("duplicate-distinct", pair), {"reason": ""}).status_code == 422
    assert client.post(page("duplicate-distinct", pair), {"reason": "Kembar"}).status_code == 302
    assert "Sitti" not in client.get(LIST).content.decode()
    assert "Kembar" in client.get(f"{LIST}?show=distinct").content.decode()
    assert client.post(page("duplicate-distinct", pair), {"reason": "Kembar"}).status_code == 409
    client.post(page("duplicate-reopen", pair))
    assert "Sitti" in client.get(LIST).content.decode()


def test_merging_shows_what_moves_and_asks_for_what_differs(cast, client_for, pair):
    client = client_for(cast.admin)
    body = client.get(page("merge", pair)).content.decode()
    assert 'name="fact_phone"' in body
    assert 'name="fact_sex"' not in body
    assert one("scheduling.Visit.patient") in body
    assert client.post(page("merge", pair), merging(pair, compared="")).status_code == 422
    assert client.post(page("merge", pair), merging(pair, reason="")).status_code == 422
    answer = client.post(page("merge", pair), merging(pair, fact_phone="merged"))
    done = PatientMerge.objects.get()
    assert answer["Location"] == page("merge-detail", done)
    survivor = Patient.objects.get(pk=pair.first_id)
    assert (survivor.phone, survivor.full_name) == ("+6282222222222", "Siti Aminah")
    body = client.get(answer["Location"]).content.decode()
    assert pair.second.record_number in body
    assert pair.second.record_number in client.get(reverse("patients:merge-list")).content.decode()
    assert pair.second.record_number in client.get(page("merges", survivor)).content.decode()


def test_the_other_direction(cast, client_for, pair):
    client = client_for(cast.admin)
    answer = client.post(
        page("merge", pair, keep="second"),
        merging(pair, survivor_version=pair.second.version, merged_version=pair.first.version),
    )
    assert answer.status_code == 302
    assert Patient.objects.get(pk=pair.first_id).merged_into_id == pair.second_id
    assert Patient.objects.get(pk=pair.second_id).nik == "2171015705900001"


def test_two_niks_must_be_decided(cast, client_for, pair):
    from patients import services

    services.update_patient(patient_id=pair.second_id, actor=cast.admin, version=1, nik="2171015705900002")
    pair = DuplicatePair.objects.select_related("first", "second").get(pk=pair.pk)
    client = client_for(cast.admin)
    body = client.get(page("merge", pair)).content.decode()
    assert "checked" not in body.split('name="fact_nik"')[1].split(">")[0]
    assert client.post(page("merge", pair), merging(pair)).status_code == 422
    assert client.post(page("merge", pair), merging(pair, fact_nik="survivor")).status_code == 302


def test_a_stale_page_is_refused(cast, client_for, pair):
    client = client_for(cast.admin)
    data = merging(pair)
    Patient.objects.filter(pk=pair.second_id).update(version=7)
    assert client.post(page("merge", pair), data).status_code == 409
    assert not PatientMerge.objects.exists()


def test_merging_and_undoing_ask_for_the_second_factor(cast, client_for, pair):
    client = client_for(cast.admin)
    session = client.session
    session[FACTOR_AT] = 1
    session.save()
    for answer in (client.get(page("merge", pair)), client.post(page("merge", pair), merging(pair))):
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("accounts:factor-confirm"))
    assert not PatientMerge.objects.exists()
    done = merge_patients(
        survivor_id=pair.first_id, merged_id=pair.second_id, values={}, reason="KTP", actor=cast.admin
    )
    answer = client.post(page("merge-undo", done), {"reason": "Salah"})
    assert answer["Location"].startswith(reverse("accounts:factor-confirm"))
    assert PatientMerge.objects.get().undone_at is None


def test_what_cannot_be_merged_says_why_and_has_no_button(cast, client_for, pair):
    VisitFactory(patient=pair.first)
    VisitFactory(patient=pair.second)
    body = client_for(cast.admin).get(page("merge", pair)).content.decode()
    assert 'name="reason"' not in body


def test_undoing_says_what_goes_back_and_what_stays(cast, client_for, pair):
    done = merge_patients(
        survivor_id=pair.first_id, merged_id=pair.second_id, values={"phone": "merged"}, reason="KTP", actor=cast.admin
    )
    survivor = Patient.objects.get(pk=pair.first_id)
    AllergyFactory(patient=survivor, substance="Debu")
    Patient.objects.filter(pk=survivor.pk).update(phone="+6283333333333")
    client = client_for(cast.admin)
    body = client.get(page("merge-undo", done)).content.decode()
    assert one("scheduling.Visit.patient") in body
    assert one("patients.Allergy.patient") in body
    assert client.post(page("merge-undo", done), {"reason": ""}).status_code == 422
    answer = client.post(page("merge-undo", done), {"reason": "Dua orang"}, follow=True)
    assert answer.status_code == 200
    assert Patient.objects.get(pk=pair.second_id).status == "active"
    assert client.post(page("merge-undo", done), {"reason": "Lagi"}).status_code == 409


def test_two_records_by_their_numbers(cast, client_for):
    first, second = PatientFactory(full_name="Rudi"), PatientFactory(full_name="Wati", birth_date=date(1970, 1, 1))
    client = client_for(cast.admin)
    address = reverse("patients:duplicate-add")
    for numbers in (("1", second.record_number), (first.record_number, first.record_number), ("rudi", "wati")):
        answer = client.post(address, {"first_number": numbers[0], "second_number": numbers[1]})
        assert answer.status_code in (409, 422), numbers
    assert not DuplicatePair.objects.exists()
    answer = client.post(address, {"first_number": first.record_number, "second_number": second.record_number})
    assert answer["Location"] == page("duplicate-detail", DuplicatePair.objects.get())
    assert DuplicatePair.objects.get().score == 10  # the telephone number


def test_a_nik_shows_the_digits_that_differ():
    assert mask_differing("2171015705900001", "") == "2171••••••••0001"
    assert mask_differing("2171015705900001", "2171015805900001") == "2171•••7••••0001"
    assert mask_differing("2171015805900001", "2171015705900001") == "2171•••8••••0001"
