import pytest
from django import forms

from core.fields import RupiahField

SENTENCE = "Enter whole rupiah, for example 150.000."


class Form(forms.Form):
    fee = RupiahField()
    cash = RupiahField(required=False)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("150000", 150_000), ("150.000", 150_000), (" Rp 1.250.000 ", 1_250_000), ("0", 0), ("9" * 12, 999_999_999_999)],
)
def test_an_amount_becomes_whole_rupiah(text, amount):
    form = Form({"fee": text, "cash": text})
    assert form.is_valid()
    assert form.cleaned_data == {"fee": amount, "cash": amount}


@pytest.mark.parametrize("text", ["1,5", "15.00", "-1", "gratis", "9" * 13, "1 000", "1e3", "١٥٠", "1" * 500, "5\x00"])
def test_anything_else_is_one_sentence(text):
    assert Form({"fee": text, "cash": text}).errors == {"fee": [SENTENCE], "cash": [SENTENCE]}


@pytest.mark.parametrize("data", [{}, {"fee": "", "cash": ""}, {"fee": "  ", "cash": "  "}])
def test_empty_is_an_error_or_none(data):
    form = Form(data)
    assert form.errors == {"fee": [SENTENCE]}
    assert form.cleaned_data == {"cash": None}


def test_the_first_value_has_dots_and_what_was_typed_stays():
    fresh = Form(initial={"fee": 1_250_000, "cash": 0})
    assert [fresh["fee"].value(), fresh["cash"].value()] == ["1.250.000", "0"]
    assert 'value="1.250.000"' in str(fresh["fee"])
    assert Form()["fee"].value() is None
    assert Form({"fee": "15O000"})["fee"].value() == "15O000"


def test_the_browser_is_told_what_it_is():
    widget = Form()["cash"].field.widget
    assert widget.attrs.items() >= {"data-money": "", "data-prefix": "Rp", "inputmode": "numeric"}.items()


def test_the_same_amount_written_differently_is_no_change():
    assert not Form({"fee": "Rp150.000"}, initial={"fee": 150_000}).has_changed()
    assert Form({"fee": "150.001"}, initial={"fee": 150_000}).has_changed()
    assert Form({"fee": "x"}, initial={"fee": 150_000}).has_changed()
