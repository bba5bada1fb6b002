"""The pharmacist's pages. Access by role is in tests/matrix/pharmacy.py; here is who may see which row, and what acts do."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse

from audit.models import AuditEvent
from core import clock
from pharmacy.models import Dispense, Prescription
from pharmacy.reconcile import differences
from tests.factories.patients import AllergyFactory, PatientFactory
from tests.factories.pharmacy import MedicineFactory, add_batch, confirm, pay, prescribe, ready

pytestmark = pytest.mark.django_db
CHECKS = {"administrative": "on", "pharmaceutical": "on", "clinical": "on"}
VERIFIED = {"is_identity_verified": "on"}


def url(name, rx):
    return reverse(f"pharmacy:{name}", args=[rx.pk])


def price_data(rx, price="500", reason=""):
    data = {f"price-{item.pk}": price for item in rx.items.all()}
    return data | {f"reason-{item.pk}": reason for item in rx.items.all()} | CHECKS


def test_the_wrong_doctor_and_the_wrong_patient_find_nothing(cast, client_for):
    rx = prescribe(MedicineFactory(), patient=cast.patient_user.patient, doctor=cast.doctor)
    for name in ("prescription-detail", "prescription-pdf"):
        assert client_for(cast.other_doctor).get(url(name, rx)).status_code == 404
        assert client_for(cast.doctor).get(url(name, rx)).status_code == 200
    assert client_for(cast.other_patient_user).get(url("portal-prescription-pdf", rx)).status_code == 404
    assert client_for(cast.patient_user).get(url("portal-prescription-pdf", rx)).status_code == 200
    listed = client_for(cast.other_doctor).get(reverse("pharmacy:prescription-list"))
    assert rx.number not in listed.content.decode()


def test_a_doctor_reads_and_cannot_act(cast, client_for):
    rx = prescribe(MedicineFactory(), doctor=cast.doctor)
    client = client_for(cast.doctor)
    page = client.get(url("prescription-detail", rx))
    assert page.context["price_form"] is None
    assert page.context["cancel_form"] is None
    for name in ("prescription-confirm-prices", "prescription-dispense", "prescription-cancel"):
        assert client.post(url(name, rx), price_data(rx)).status_code == 403
    rx.refresh_from_db()
    assert rx.status == "new"


def test_lanes(cast, client_for):
    medicine = MedicineFactory(stock=1000)
    people = {"pharmacist": cast.pharmacist, "cashier": cast.cashier}
    new = prescribe(medicine)
    unpaid = prescribe(medicine)
    confirm(unpaid, cast.pharmacist)
    waiting = ready(medicine, **people)
    done = ready(medicine, **people)
    client = client_for(cast.pharmacist)
    client.post(url("prescription-dispense", done), VERIFIED)
    yesterday = ready(medicine, **people)
    client.post(url("prescription-dispense", yesterday), VERIFIED)
    Prescription.objects.filter(pk=yesterday.pk).update(dispensed_at=clock.now() - timedelta(days=1))
    lanes = client.get(reverse("pharmacy:queue")).context["lanes"]
    assert [(lane.key, [card.prescription for card in lane.cards]) for lane in lanes] == [
        ("new", [new]), ("unpaid", [unpaid]), ("ready", [waiting]), ("done", [done]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("minutes", "urgency"), [(0, "ontime"), (14, "ontime"), (15, "soon"), (29, "soon"), (30, "late")]
)
def test_urgency_by_waiting_time(cast, client_for, minutes, urgency):
    start = clock.now().replace(microsecond=0)
    with time_machine.travel(start, tick=False):
        prescribe(MedicineFactory())
    with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
        [card] = client_for(cast.pharmacist).get(reverse("pharmacy:queue-panel")).context["lanes"][0].cards
    assert (card.urgency, card.minutes) == (urgency, minutes)


def test_the_detail_page_is_an_audited_chart_read_once(cast, client_for):
    rx = prescribe(MedicineFactory())
    client_for(cast.pharmacist).get(url("prescription-detail", rx))
    event = AuditEvent.objects.get(action="patients.chart.read")
    assert (event.actor, event.patient_id, event.detail) == (cast.pharmacist, rx.patient_id, {"what": "prescription"})


def test_the_detail_page_warns(cast, client_for):
    patient = PatientFactory(allergy_status="known")
    AllergyFactory(patient=patient, substance="Kacang <b>tanah</b>", recorded_by=cast.doctor)
    medicine = MedicineFactory(stock=3, is_lasa=True, is_high_alert=True)
    add_batch(medicine, quantity=20, expires_in_days=10, lot_number="DULUAN")
    rx = prescribe(medicine, 22, patient=patient)
    [line] = (page := client_for(cast.pharmacist).get(url("prescription-detail", rx))).context["lines"]
    text = page.content.decode()
    assert [(batch.lot_number, quantity) for batch, quantity in line.parts] == [("DULUAN", 20), ("LOT-1", 2)]
    assert "Kacang &lt;b&gt;tanah&lt;/b&gt;" in text
    assert "LASA" in text
    medicine.batches.update(expires_on="2020-01-01")
    [line] = client_for(cast.pharmacist).get(url("prescription-detail", rx)).context["lines"]
    assert (line.parts, line.missing) == ([], 22)


# --- Prices -----------------------------------------------------------------------------------------------------
def test_confirming_prices(cast, client_for):
    rx = prescribe(MedicineFactory(price_idr=1500))
    answer = client_for(cast.pharmacist).post(url("prescription-confirm-prices", rx), price_data(rx, "Rp 1.500"))
    assert (answer.status_code, answer["Location"]) == (302, url("prescription-detail", rx))
    rx.refresh_from_db()
    assert (rx.status, rx.items.get().unit_price_idr) == ("priced", 1500)
    assert AuditEvent.objects.get(action="pharmacy.prescription.priced").detail["review"] == sorted(CHECKS)


@pytest.mark.parametrize("missing", CHECKS)
def test_every_check_must_be_ticked(cast, client_for, missing):
    rx = prescribe(MedicineFactory(price_idr=500))
    data = price_data(rx)
    del data[missing]
    answer = client_for(cast.pharmacist).post(url("prescription-confirm-prices", rx), data)
    assert answer.status_code == 422
    assert list(answer.context["price_form"].errors) == [missing]
    rx.refresh_from_db()
    assert rx.status == "new"


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        ("", ""),
        ("-5", ""),
        ("1,5", ""),
        ("abc", ""),
        ("9999999999999", ""),
        ("400", ""),
        ("400", "abc"),
        ("100000000", "Mahal"),
    ],
)
def test_wrong_prices(cast, client_for, price, reason):
    rx = prescribe(MedicineFactory(price_idr=500))
    answer = client_for(cast.pharmacist).post(url("prescription-confirm-prices", rx), price_data(rx, price, reason))
    assert answer.status_code == 422
    rx.refresh_from_db()
    assert (rx.status, rx.items.get().unit_price_idr) == ("new", None)


def test_forged_lines_and_states(cast, client_for):
    rx, other = prescribe(MedicineFactory(price_idr=500)), prescribe(MedicineFactory(price_idr=500))
    client = client_for(cast.pharmacist)
    foreign = other.items.get().pk
    for forged in ({f"price-{foreign}": "500"}, {f"price-{uuid4()}": "1"}, {"price-x": "1"}):
        assert client.post(url("prescription-confirm-prices", rx), price_data(rx) | forged).status_code == 422
    forged = {"status": "dispensed", "list_price_idr": "1", "prescription": str(other.pk), "quantity": "1"}
    assert client.post(url("prescription-confirm-prices", rx), price_data(rx) | forged).status_code == 302
    rx.refresh_from_db()
    other.refresh_from_db()
    item = rx.items.get()
    assert (rx.status, other.status, item.list_price_idr, item.quantity) == ("priced", "new", 500, 10)


def test_confirming_twice_says_so(cast, client_for):
    rx = prescribe(MedicineFactory(price_idr=500))
    client = client_for(cast.pharmacist)
    data = price_data(rx)
    assert client.post(url("prescription-confirm-prices", rx), data).status_code == 302
    answer = client.post(url("prescription-confirm-prices", rx), data)
    assert answer.status_code == 409
    assert rx.number in answer.content.decode()


# --- Hand-over --------------------------------------------------------------------------------------------------
def test_identity_must_be_verified(cast, client_for):
    rx = ready(MedicineFactory(), pharmacist=cast.pharmacist, cashier=cast.cashier)
    answer = client_for(cast.pharmacist).post(url("prescription-dispense", rx))
    assert answer.status_code == 422
    assert not Dispense.objects.exists()


def test_a_double_click_is_safe(cast, client_for):
    rx = ready(MedicineFactory(), pharmacist=cast.pharmacist, cashier=cast.cashier)
    client = client_for(cast.pharmacist)
    answers = [client.post(url("prescription-dispense", rx), VERIFIED) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert Dispense.objects.count() == 1
    assert AuditEvent.objects.filter(action="pharmacy.prescription.dispensed").count() == 1
    assert differences() == []


def test_not_paid_is_a_clear_sentence(cast, client_for):
    cast.pharmacist.language = "en"
    cast.pharmacist.save()
    rx = prescribe(MedicineFactory())
    confirm(rx, cast.pharmacist)
    page = client_for(cast.pharmacist).get(url("prescription-detail", rx))
    assert page.context["hand_over_form"] is None
    answer = client_for(cast.pharmacist).post(url("prescription-dispense", rx), VERIFIED)
    assert answer.status_code == 409
    assert "The bill is not paid yet. Send the patient to the cashier first." in answer.content.decode()
    pay(rx, cast.cashier)
    assert client_for(cast.pharmacist).get(url("prescription-detail", rx)).context["hand_over_form"] is not None


def test_the_hand_over_appears_when_the_bill_is_paid(cast, client_for):
    rx = prescribe(MedicineFactory())
    confirm(rx, cast.pharmacist)
    client = client_for(cast.pharmacist)
    before = client.get(url("prescription-next-panel", rx)).content.decode()
    pay(rx, cast.cashier)
    after = client.get(url("prescription-next-panel", rx)).content.decode()
    client.post(url("prescription-dispense", rx), VERIFIED)
    done = client.get(url("prescription-next-panel", rx)).content.decode()
    assert [("live:billing" in text, url("prescription-dispense", rx) in text) for text in (before, after, done)] == [
        (True, False), (False, True), (False, False),
    ]  # fmt: skip
    assert all('hx-swap-oob="true"' in text for text in (before, after, done))
    assert AuditEvent.objects.filter(action="patients.chart.read").count() == 0


def test_cancelling_with_and_without_reason(cast, client_for):
    medicine = MedicineFactory()
    rx = prescribe(medicine)
    client = client_for(cast.pharmacist)
    assert client.post(url("prescription-cancel", rx), {"reason": " a "}).status_code == 422
    assert client.post(url("prescription-cancel", rx), {"reason": "Obat tidak cocok"}).status_code == 302
    assert client.post(url("prescription-cancel", rx), {"reason": "Obat tidak cocok"}).status_code == 409
    medicine.refresh_from_db()
    assert medicine.reserved == 0


# --- History ----------------------------------------------------------------------------------------------------
def numbers(answer):
    return [row.number for row in answer.context["rows"]]


def test_history_by_status(cast, client_for):
    medicine = MedicineFactory(stock=1000)
    new, unpaid = prescribe(medicine), prescribe(medicine)
    confirm(unpaid, cast.pharmacist)
    paid = ready(medicine, pharmacist=cast.pharmacist, cashier=cast.cashier)
    client = client_for(cast.pharmacist)
    address = reverse("pharmacy:prescription-list")
    for status, expected in (("", [paid, unpaid, new]), ("new", [new]), ("awaiting_payment", [unpaid]), ("ready", [paid]),
                             ("cancelled", [])):  # fmt: skip
        assert numbers(client.get(address, {"status": status})) == [rx.number for rx in expected]
    assert client.get(address, {"status": "hacked"}).status_code == 422


def test_history_by_patient_doctor_and_number(cast, client_for):
    medicine = MedicineFactory(stock=1000)
    mine = prescribe(medicine, patient=PatientFactory(full_name="Zulkifli Harahap"), doctor=cast.doctor)
    other = prescribe(medicine, patient=PatientFactory(full_name="Wahyuningsih"), doctor=cast.other_doctor)
    client = client_for(cast.pharmacist)
    address = reverse("pharmacy:prescription-list")
    for text, expected in (("zulkifli", [mine]), ("rina hart", [mine]), ("budi", [other]), (other.number.lower(), [other]),
                           ("tidakada", []), ("%", [])):  # fmt: skip
        answer = client.post(address, {"q": text, "status": ""})
        assert (answer.status_code in {200, 422}, numbers(answer)) == (True, [rx.number for rx in expected]), text
        assert "zulkifli" not in answer.request["QUERY_STRING"]


def test_history_pages_without_gaps(cast, client_for, monkeypatch):
    from pharmacy import querysets

    monkeypatch.setattr(querysets, "PAGE_LENGTH", 2)
    medicine = MedicineFactory(stock=1000)
    patient = PatientFactory(full_name="Halaman Banyak")
    made = [prescribe(medicine, 1, patient=patient) for _ in range(5)]
    client, address = client_for(cast.pharmacist), reverse("pharmacy:prescription-list")
    for send in (client.get, client.post):
        seen, before = [], ""
        for _ in range(4):
            answer = send(address, {"q": "halaman" if send == client.post else "", "before": before})
            seen += numbers(answer)
            before = answer.context["next"]
            if before is None:
                break
        assert seen == [rx.number for rx in reversed(made)]
    assert client.get(address, {"before": "no-uuid"}).status_code == 200


# --- Papers -----------------------------------------------------------------------------------------------------
def test_labels_say_inside_or_outside(cast, client_for):
    tablet, cream = MedicineFactory(), MedicineFactory(route="topical", form="krim", unit="tube")
    patient = PatientFactory(full_name="<script>alert(1)</script>")
    rx = prescribe([(tablet, 10), (cream, 1)], patient=patient)
    page = client_for(cast.pharmacist).get(url("prescription-labels", rx)).content.decode()
    assert (page.count("OBAT DALAM"), page.count("OBAT LUAR")) == (1, 1)
    assert "<script>alert" not in page
    assert page.count(patient.record_number) == 2
    assert page.count("17-05-1990") == 2
    item = rx.items.get(medicine=cream)
    page = client_for(cast.pharmacist).get(reverse("pharmacy:item-label", args=[item.pk])).content.decode()
    assert (page.count("OBAT DALAM"), page.count("OBAT LUAR"), page.count("3 x sehari 1")) == (0, 1, 1)


@pytest.mark.parametrize(
    ("accuracy", "shown"), [("exact", "17-05-1990"), ("month", "± 05-1990"), ("estimated", "± 1990")]
)
def test_labels_do_not_print_an_estimate_as_a_date(cast, client_for, accuracy, shown):
    rx = prescribe(MedicineFactory(), patient=PatientFactory(birth_accuracy=accuracy))
    page = client_for(cast.pharmacist).get(url("prescription-labels", rx)).content.decode()
    assert f"Tgl. lahir {shown} ·" in page
    assert ("17-05-1990" in page) is (accuracy == "exact")


def test_handing_over_asks_for_the_birth_date_as_far_as_it_is_known(cast, client_for):
    patient = PatientFactory(birth_accuracy="estimated")
    rx = ready(MedicineFactory(), patient=patient, pharmacist=cast.pharmacist, cashier=cast.cashier)
    page = client_for(cast.pharmacist).get(url("prescription-next-panel", rx)).content.decode()
    question = page.partition("data-confirm-text=")[2].partition("data-confirm-yes")[0]
    assert "± 1990" in question
    assert "17 " not in question


def test_pages_survive_hostile_names(cast, client_for):
    patient = PatientFactory(full_name='Ō\'Brien & Anak "<img src=x>" 😀 ' + "x" * 150)
    rx = prescribe(MedicineFactory(generic_name="<b>Tebal</b>"), patient=patient)
    client = client_for(cast.pharmacist)
    for name in ("prescription-detail", "prescription-labels", "prescription-pdf"):
        answer = client.get(url(name, rx))
        assert answer.status_code == 200
        assert b"<img src=x>" not in answer.content
        assert b"<b>Tebal</b>" not in answer.content
    assert b"<img src=x>" not in client.get(reverse("pharmacy:queue")).content


# --- Query counts -----------------------------------------------------------------------------------------------
def count_queries(django_assert_max_num_queries, client, address, most=15):
    client.get(address)
    with django_assert_max_num_queries(most) as found:
        assert client.get(address).status_code == 200
    return len(found)


@pytest.mark.parametrize("name", ["queue", "queue-panel", "prescription-list"])
def test_list_pages_cost_the_same_with_3_and_30_rows(cast, client_for, django_assert_max_num_queries, name):
    medicine = MedicineFactory(stock=10_000)
    client, address = client_for(cast.pharmacist), reverse(f"pharmacy:{name}")
    counts = []
    for more in (3, 27):
        for _ in range(more):
            prescribe(medicine, 1)
        counts.append(count_queries(django_assert_max_num_queries, client, address))
    assert counts[0] == counts[1], counts


def test_detail_costs_the_same_with_1_and_20_lines(cast, client_for, django_assert_max_num_queries):
    client = client_for(cast.pharmacist)
    medicines = [MedicineFactory(ingredients=[f"zat{number}"]) for number in range(20)]
    counts = [
        count_queries(django_assert_max_num_queries, client, url("prescription-detail", prescribe(lines)), most=20)
        for lines in ([(medicines[0], 1)], [(medicine, 1) for medicine in medicines])
    ]
    assert counts[0] == counts[1], counts
