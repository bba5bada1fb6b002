from datetime import timedelta

import pytest
from django.urls import reverse

from core import clock
from pharmacy.models import Batch, Medicine, StockMovement
from pharmacy.reconcile import differences
from tests.factories.pharmacy import MedicineFactory, add_batch, prescribe

pytestmark = pytest.mark.django_db


def delivery(**changes):
    day = (clock.today() + timedelta(days=300)).isoformat()
    return {"lot_number": "ab-9", "expires_on": day, "quantity": "12,5", "unit_cost_idr": "1.250"} | changes


def names(answer):
    return [row.generic_name for row in answer.context["page"]]


def test_a_doctor_cannot_touch_stock(cast, client_for):
    medicine = MedicineFactory()
    batch = medicine.batches.get()
    client = client_for(cast.doctor)
    assert client.post(reverse("pharmacy:stock-receive", args=[medicine.pk]), delivery()).status_code == 403
    data = {"direction": "more", "quantity": "5", "reason": "Iseng saja"}
    assert client.post(reverse("pharmacy:batch-adjust", args=[batch.pk]), data).status_code == 403
    assert (Batch.objects.count(), StockMovement.objects.count()) == (1, 1)


def test_the_stock_list_shows_what_is_free(cast, client_for):
    medicine = MedicineFactory(generic_name="Amoksisilin", stock=10, minimum_stock=20)
    add_batch(medicine, quantity=4, expires_in_days=-3)
    add_batch(medicine, quantity=6, expires_in_days=40)
    MedicineFactory(generic_name="Bisoprolol", stock=500, minimum_stock=5)
    prescribe(medicine, 3)
    client, address = client_for(cast.pharmacist), reverse("pharmacy:stock")
    answer = client.get(address)
    row = answer.context["page"].rows[0]
    assert (row.on_hand, row.reserved, row.expired_quantity, row.free) == (20, 3, 4, 13)
    assert row.nearest_expiry == clock.today() + timedelta(days=40)
    assert names(answer) == ["Amoksisilin", "Bisoprolol"]
    for query, expected in (({"q": "amoxi"}, ["Amoksisilin"]), ({"q": "tidakada"}, []), ({"show": "low"}, ["Amoksisilin"]),
                            ({"show": "expiring"}, ["Amoksisilin"]), ({"show": "expired"}, ["Amoksisilin"])):  # fmt: skip
        assert names(client.get(address, query)) == expected, query
    assert client.get(address, {"show": "x"}).status_code == 422


def test_the_stock_list_pages_without_gaps(cast, client_for, monkeypatch):
    from pharmacy import querysets

    monkeypatch.setattr(querysets, "STOCK_PAGE_LENGTH", 3)
    for number in range(8):
        MedicineFactory(generic_name=f"Obat {number // 2}", strength=f"{number} mg", stock=0)
    address, client, seen, query = reverse("pharmacy:stock"), client_for(cast.pharmacist), [], "?q=obat"
    while query:
        page = client.get(address + query).context["page"]
        seen += [row.pk for row in page]
        query = page.next_url
    assert len(seen) == len(set(seen)) == 8
    back = client.get(address + page.previous_url).context["page"]
    assert [row.pk for row in back] == seen[3:6]
    assert back.previous_url.startswith("?q=obat&before=")


def test_receiving(cast, client_for):
    medicine = MedicineFactory(stock=0)
    address = reverse("pharmacy:stock-receive", args=[medicine.pk])
    client = client_for(cast.pharmacist)
    yesterday = (clock.today() - timedelta(days=1)).isoformat()
    for wrong in ({"quantity": "1.000"}, {"quantity": "0"}, {"quantity": "-1"}, {"expires_on": yesterday},
                  {"expires_on": "31/12/2030"}, {"expires_on": "2099-01-01"}, {"lot_number": " \u200b "},
                  {"unit_cost_idr": "12,5"}, {"unit_cost_idr": ""}):  # fmt: skip
        assert client.post(address, delivery(**wrong)).status_code == 422, wrong
    assert not Batch.objects.exists()
    forged = {"on_hand": "999", "medicine_id": "x", "received_at": "2001-01-01"}
    assert client.post(address, delivery() | forged).status_code == 302
    batch = Batch.objects.get()
    assert (batch.lot_number, str(batch.quantity), batch.unit_cost_idr) == ("AB-9", "12.50", 1250)
    assert differences() == []


def test_correcting_and_disposing(cast, client_for):
    medicine = MedicineFactory(stock=10)
    batch = medicine.batches.get()
    client = client_for(cast.pharmacist)
    adjust = reverse("pharmacy:batch-adjust", args=[batch.pk])
    for wrong in ({"quantity": "11"}, {"reason": ""}, {"direction": "sideways"}, {"quantity": "-1"}):
        data = {"direction": "less", "quantity": "1", "reason": "Pecah satu"} | wrong
        assert client.post(adjust, data).status_code == 422, wrong
    assert client.post(adjust, {"direction": "less", "quantity": "1,5", "reason": "Pecah satu"}).status_code == 302
    assert str(Medicine.objects.get().on_hand) == "8.50"
    dispose = reverse("pharmacy:batch-dispose", args=[batch.pk])
    assert client.post(dispose, {"reason": "Dimusnahkan"}).status_code == 422
    Batch.objects.update(expires_on=clock.today())
    assert client.post(dispose, {"reason": "Dimusnahkan"}).status_code == 302
    page = client.get(reverse("pharmacy:medicine-detail", args=[medicine.pk]))
    assert [str(row.quantity) for row in page.context["page"]] == ["-8.50", "-1.50", "10.00"]
    assert page.context["batches"] == []
    assert differences() == []


@pytest.mark.parametrize("show", ["", "low", "expiring"])
def test_the_stock_list_costs_the_same_with_3_and_30_rows(cast, client_for, django_assert_max_num_queries, show):
    client, address = client_for(cast.pharmacist), f"{reverse('pharmacy:stock')}?show={show}"
    counts = []
    for more in (3, 27):
        for _ in range(more):
            add_batch(MedicineFactory(minimum_stock=1000), quantity=1, expires_in_days=5)
        client.get(address)
        with django_assert_max_num_queries(15) as found:
            assert len(client.get(address).context["page"].rows) >= 3
        counts.append(len(found))
    assert counts[0] == counts[1], counts
