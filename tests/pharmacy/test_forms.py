from decimal import Decimal

import pytest

from pharmacy.forms import draft_of_post, medicine_lines, parse_lines, rows_of_draft, rows_of_post
from tests.factories.pharmacy import MedicineFactory

pytestmark = pytest.mark.django_db


def post(drug, number=0, **changes):
    fields = {"medicine": str(drug.pk), "quantity": "10", "signa": "3 x sehari 1", "override": ""} | changes
    return {f"line-{number}-{name}": value for name, value in fields.items()}


def test_lines_are_read_in_order_and_empty_ones_passed_over():
    first, second = MedicineFactory(), MedicineFactory()
    empty = {"line-3-medicine": "", "line-3-quantity": " ", "line-3-signa": "", "line-3-override": ""}
    data = (
        post(second, 7, quantity="0,5")
        | empty
        | post(first, 2, signa=" 2 x\u0000 sehari \n 1 ")
        | {"subjective": "line-1"}
    )
    lines, errors = parse_lines(data)
    assert errors == []
    assert [(line.medicine_id, line.quantity, line.signa) for line in lines] == [
        (first.pk, Decimal(10), "2 x sehari 1"),
        (second.pk, Decimal("0.5"), "3 x sehari 1"),
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"medicine": ""}, "medicine"), ({"medicine": "1 OR 1=1"}, "medicine"), ({"quantity": "0"}, "quantity"),
     ({"quantity": "1.000"}, "quantity"), ({"quantity": "10000"}, "quantity"), ({"quantity": "<script>"}, "quantity"),
     ({"signa": " "}, "signa"), ({"signa": "x" * 201}, "signa"), ({"override": "x" * 301}, "override")],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_with_a_line(changes, field):
    lines, errors = parse_lines(post(MedicineFactory(), 4, **changes))
    assert lines == []
    assert [(error.line, error.field) for error in errors] == [(4, field)]


def test_forged_extra_fields_are_never_read():
    medicine = MedicineFactory(price_idr=500)
    data = post(medicine) | {
        "line-0-price": "1",
        "line-0-status": "dispensed",
        "line-0-unit_price_idr": "1",
        "price": "1",
    }
    [line], errors = parse_lines(data)
    assert errors == []
    assert vars(line) == {
        "medicine_id": medicine.pk, "quantity": Decimal(10), "signa": "3 x sehari 1", "allergy_override_reason": "",
    }  # fmt: skip


def test_too_many_lines():
    medicine = MedicineFactory()
    data = {key: value for number in range(200) for key, value in post(medicine, number).items()}
    lines, errors = parse_lines(data)
    assert (len(lines), [error.line for error in errors]) == (20, [20])


def test_a_line_half_typed_is_checked_and_drawn_again():
    medicine = MedicineFactory()
    data = post(medicine, 5, quantity="banyak", signa="") | {"line-6-signa": "saja"}
    assert [(number, line.medicine_id) for number, line in medicine_lines(data)] == [(5, medicine.pk)]
    first, second = rows_of_post(data)
    assert (first.number, first.medicine_id, first.medicine_text, first.quantity) == (
        5, str(medicine.pk), medicine.label, "banyak",
    )  # fmt: skip
    assert (second.medicine_id, second.signa) == ("", "saja")


def test_a_draft_comes_back_as_typed(django_assert_num_queries):
    medicine = MedicineFactory()
    kept = draft_of_post(post(medicine, 3, quantity="0,5", signa='1 x "malam" <b>'))
    with django_assert_num_queries(1):
        [row] = rows_of_draft(kept)
    assert (row.number, row.medicine_id, row.quantity, row.signa) == (0, str(medicine.pk), "0,5", '1 x "malam" <b>')
    assert draft_of_post({"line-0-medicine": ""}) == ""
    for broken in ("", "{", "[1, 2]", '{"a": 1}', "null"):
        assert rows_of_draft(broken) == []
