"""Template tags, filters, the form renderer and the components that carry meaning."""

from datetime import date

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.template import Context, Template
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy, override

from core import styleguide
from core.forms import ProductRenderer
from core.templatetags import ui


def render(source: str, **context) -> str:
    return Template(source).render(Context(context))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (150000, "Rp150.000"),
        (-10000, "-Rp10.000"),
        (0, "Rp0"),
        (1250000, "Rp1.250.000"),
        (None, ""),
        ("", ""),
        ("75000", "Rp75.000"),
    ],
)
def test_rupiah(amount, text):
    assert ui.rupiah(amount) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Siti Rahmawati", "SR"),
        ("Suharto", "S"),
        ("dr. Budi Santoso, Sp.THT-KL", "BS"),
        ("By. Ny. Sari", "S"),
        ("nu'man al-fatih", "NA"),
        ("", "?"),
        (None, "?"),
        ("...", "?"),
        ("😀 Ana", "A"),
    ],
)
def test_initials(name, text):
    assert ui.initials(name) == text


def test_age_of_an_adult_and_of_nobody():
    assert "34" in ui.age(date(1991, 3, 5), date(2026, 3, 4))
    assert ui.age(None)


def test_icon_is_silent_unless_it_is_named():
    assert 'aria-hidden="true"' in render('{% icon "check" %}')
    named = render('{% icon "check" label=label %}', label='<b>"Paid"')
    assert 'role="img"' in named
    assert "<b>" not in named
    assert 'img/icons.svg#check"' in named


def test_badge_has_word_and_icon_and_escapes():
    html = render("{% badge label 'danger' %}", label="<script>")
    assert "tag-danger" in html
    assert "#alert-circle" in html
    assert "<script>" not in html
    assert "tag-neutral" in render("{% badge 'x' tone %}", tone='"><i')


def test_pairs_stop_at_the_shorter():
    assert ui.pairs([1, 2], ["a"]) == [(1, "a")]


# --- Forms ------------------------------------------------------------------------------------------------------------
class Sample(forms.Form):
    name = forms.CharField(help_text="As on the card.")
    kind = forms.ChoiceField(choices=[("a", "A")], widget=forms.Select(attrs={"class": "own"}))
    sex = forms.ChoiceField(choices=[("f", "Female")], widget=forms.RadioSelect, required=False)
    agree = forms.BooleanField(required=False)
    weight = forms.CharField(required=False, widget=forms.TextInput(attrs={"data-suffix": "kg"}))
    secret = forms.CharField(widget=forms.HiddenInput, required=False)


def test_form_brings_classes_labels_and_hints():
    html = str(Sample())
    assert 'name="name"' in html
    assert 'class="form-control"' in html
    assert 'aria-describedby="id_name_helptext"' in html
    assert 'id="id_name_helptext"' in html
    assert 'class="form-select own"' in html
    assert 'class="form-check-input"' in html
    assert "<legend" in html
    assert '<span class="input-group-text">kg</span>' in html
    assert 'class="form-check-input"' not in html[html.index('id="id_sex"') : html.index('name="agree"')]
    assert 'type="hidden"' in html
    assert "error-summary" not in html


def test_form_with_errors_has_a_linked_summary_and_the_same_words_at_the_field():
    form = Sample({"kind": "z", "name": ""})
    form.add_error(None, "The <slot> was just taken.")
    html = str(form)
    assert html.count('class="error-summary"') == 1
    assert 'href="#id_name"' in html
    assert 'href="#id_kind"' in html
    assert "The &lt;slot&gt; was just taken." in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_name_error"' in html
    assert "id_name_error" in html.split('name="name"')[1].split(">")[0]


def test_errors_of_a_radio_list_link_to_the_group_and_a_question_keeps_its_mark():
    class Choice(forms.Form):
        sex = forms.ChoiceField(choices=[("f", "Female")], widget=forms.RadioSelect)
        signer = forms.CharField(label=gettext_lazy("Who signs?"))

    with override("en"):
        html = str(Choice({}))
    assert '<a href="#id_sex">Sex: ' in html
    assert '<a href="#id_signer">Who signs? ' in html
    assert '<div id="id_sex"' in html


def test_typed_text_survives_an_error():
    html = str(Sample({"name": '"><script>alert(1)</script>', "kind": "z"}))
    assert "<script>" not in html
    assert "alert(1)" in html


@pytest.mark.parametrize("chosen", ["", "<b>", "7"])
def test_lists_are_written_as_django_writes_them(chosen):
    class Marked(forms.Select):
        def create_option(self, name, value, *args, **kwargs):
            option = super().create_option(name, value, *args, **kwargs)
            option["attrs"] |= {"data-hint": "\"'<", "disabled": value == 1, "data-n": 1500}
            return option

    choices = [("", "---"), ("<b>", "<i>A & B"), (7, 1500), ("G'", [(1, "one"), (2, mark_safe("<em>two</em>"))])]
    widget = Marked(attrs={"class": "x", "required": True, "disabled": False, "size": 3}, choices=choices)
    ours, stock = (
        [
            line
            for line in widget.render("kind", chosen, {"id": "id_kind"}, renderer=renderer).splitlines()
            if line.strip()
        ]
        for renderer in (ProductRenderer(), DjangoTemplates())
    )
    assert ours == stock
    assert len(ours) == 9


# --- Components that carry meaning -------------------------------------------------------------------------------------
def strip(**context) -> str:
    return render_to_string("components/allergy_strip.html", context)


def test_allergies_not_asked_never_read_as_none():
    html = strip(allergy_status="unknown", allergies=[], allergy_asked_on=None)
    assert "not asked yet" in html
    assert "No known" not in html


def test_an_odd_or_missing_allergy_state_counts_as_not_asked():
    assert "not asked yet" in strip(allergy_status="", allergies=[], allergy_asked_on=None)
    assert "not asked yet" in strip()


def test_allergies_asked_and_none():
    html = strip(allergy_status="none", allergies=[], allergy_asked_on=date(2026, 3, 5))
    assert "No known allergies" in html
    assert "2026" in html


def test_known_allergies_are_listed_with_icon_and_word():
    html = strip(
        allergy_status="known", allergies=[{"substance": "<Amoxicillin>", "reaction": "hives", "severity": "severe"}]
    )
    assert "allergy-strip-known" in html
    assert "&lt;Amoxicillin&gt;" in html
    assert "hives" in html
    assert "#alert-triangle" in html


def test_recorded_allergies_win_over_the_state():
    html = strip(allergy_status="none", allergies=[{"substance": "Ibuprofen", "reaction": "", "severity": ""}])
    assert "Ibuprofen" in html
    assert "No known" not in html


def test_patient_header_shows_who():
    html = render_to_string(
        "components/patient_header.html",
        {"patient": styleguide.context()["long_patient"], "allergy_status": "unknown", "allergies": []},
    )
    assert styleguide.LONG_NAME in html
    assert "00-12-34" in html
    assert "34 y" in html
    assert "not asked yet" in html


@pytest.mark.parametrize("code", [400, 403, 404, 409, 429, 500, 503])
def test_error_pages_need_no_context(code):
    html = render_to_string(f"{code}.html")
    assert f">{code}<" in html
    assert "auth.css" in html


def test_error_pages_print_the_sentence_of_the_rule_as_text():
    assert "&lt;b&gt;taken&lt;/b&gt;" in render_to_string("409.html", {"message": "<b>taken</b>"})
