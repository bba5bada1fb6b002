import pytest
from django.template.loader import render_to_string
from django.urls import reverse

from pharmacy.forms import LineRow
from tests.factories.patients import AllergyFactory
from tests.factories.pharmacy import MedicineFactory, add_batch, prescribe, visit_at_pharmacy

pytestmark = pytest.mark.django_db


def search(client, text):
    return client.get(reverse("pharmacy:medicine-search"), {"q": text}).json()["results"]


def lines(visit, *medicines, override=""):
    data = {"visit": str(visit.pk)}
    for number, medicine in enumerate(medicines):
        data |= {f"line-{number}-medicine": str(medicine.pk), f"line-{number}-override": override}
    return data


def check(client, data):
    return client.post(reverse("pharmacy:lines-check"), data)


def test_another_doctors_visit_cannot_be_asked_about(cast, client_for):
    visit = visit_at_pharmacy(doctor=cast.doctor)
    medicine = MedicineFactory()
    assert check(client_for(cast.other_doctor), lines(visit, medicine)).status_code == 404
    for forged in ({"visit": "x"}, {"visit": str(medicine.pk)}, {}):
        assert check(client_for(cast.doctor), lines(visit, medicine) | forged).status_code in {404, 200}
    assert check(client_for(cast.doctor), {"visit": "x"}).status_code == 404
    assert check(client_for(cast.doctor), {}).status_code == 404


def test_search_gives_what_the_form_needs(cast, client_for):
    medicine = MedicineFactory(
        generic_name="Amoksisilin", brand="Amoxsan", medicine_class="Antibiotik penisilin", price_idr=1500, stock=20,
        typical_signa="3 x sehari 1 kapsul", typical_quantity=15, is_high_alert=True,
    )  # fmt: skip
    add_batch(medicine, quantity=7, expires_in_days=0)
    prescribe(medicine, "2.5")
    client = client_for(cast.doctor)
    [found] = search(client, "amoxi")
    assert {key: found[key] for key in ("id", "text", "unit", "price", "available", "signa", "quantity")} == {
        "id": str(medicine.pk), "text": medicine.label, "unit": "tablet", "price": 1500, "available": "17,5",
        "signa": "3 x sehari 1 kapsul", "quantity": "15",
    }  # fmt: skip
    assert "17,5 tablet" in found["hint"]
    assert "Rp1.500/tablet" in found["hint"]
    for text in ("AMOX", "amoxsan", "penisilin antib", "amoksisilin 500"):
        assert len(search(client, text)) == (0 if text.endswith("500") else 1), text
    for text in ("", "a", "  ", "%%", "' OR 1=1"):
        assert search(client, text) == []


def test_search_puts_beginnings_first_and_leaves_inactive_out(cast, client_for):
    MedicineFactory(generic_name="Obat batuk", ingredients=["setirizin"])
    MedicineFactory(generic_name="Setirizin")
    MedicineFactory(generic_name="Setirizin lama", is_active=False)
    assert [found["text"].split()[0] for found in search(client_for(cast.doctor), "cetiri")] == ["Setirizin", "Obat"]


def test_search_costs_the_same_for_3_and_30(cast, client_for, django_assert_max_num_queries):
    client, counts = client_for(cast.doctor), []
    for more in (3, 27):
        for _ in range(more):
            MedicineFactory(generic_name="Parasetamol")
        with django_assert_max_num_queries(8) as queries:
            found = search(client, "paras")
        counts.append(len(queries))
        assert len(found) == min(20, more if more == 3 else 30)
    assert counts[0] == counts[1]


def test_check_shows_stops_and_duplicates_with_the_forms_numbers(cast, client_for):
    visit = visit_at_pharmacy(doctor=cast.doctor)
    AllergyFactory(patient=visit.patient, substance="Obat <i>lama</i>", group="penisilin", recorded_by=cast.doctor)
    medicine = MedicineFactory(
        generic_name="Amoksisilin", ingredients=["amoksisilin 500 mg"], allergen_groups=["penisilin"]
    )
    client = client_for(cast.doctor)
    data = lines(visit, medicine, medicine)
    data["line-9-medicine"] = data.pop("line-1-medicine")
    del data["line-1-override"]
    page = check(client, data).content.decode()
    assert page.count("data-needs-reason") == 2
    assert page.count('data-line-warning="9"') == 2
    assert "<i>lama" not in page
    page = check(client, lines(visit, medicine, override="Pernah minum, aman")).content.decode()
    assert page.count("banner-danger") == 0
    assert page.count("data-needs-reason") == 1
    assert check(client, lines(visit)).content.strip() == b""


def test_the_editor_draws_typed_rows_and_a_template(cast):
    rows = [LineRow(4, "", "", "", "<b>", 'a"b', "")]
    page = render_to_string(
        "pharmacy/_lines_editor.html", {"rows": rows, "visit": visit_at_pharmacy(), "line_errors": []}
    )
    assert 'name="line-4-quantity" value="&lt;b&gt;"' in page
    assert 'value="a&quot;b"' in page
    assert 'name="line-__n__-medicine"' in page
