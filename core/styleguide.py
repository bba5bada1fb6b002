"""Sample data for `/styleguide/`, the page that shows every component in every state. All people are invented."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django import forms
from django.contrib.staticfiles import finders
from django.utils import formats

LONG_NAME = "Muhammad Rizky Aditya Pratama Nugraha Kusumawardhana Sasongko"


class SampleForm(forms.Form):
    """One field of each kind."""

    full_name = forms.CharField(label="Full name", help_text="As on the identity card.", max_length=100)
    nik = forms.CharField(label="NIK", required=False, widget=forms.TextInput(attrs={"inputmode": "numeric"}))
    birth_date = forms.DateField(label="Birth date", widget=forms.DateInput(attrs={"type": "date"}))
    weight_kg = forms.CharField(
        label="Weight", required=False, widget=forms.TextInput(attrs={"data-suffix": "kg", "inputmode": "decimal"})
    )
    fee_idr = forms.CharField(
        label="Fee",
        required=False,
        initial="150000",
        widget=forms.TextInput(attrs={"data-prefix": "Rp", "data-money": True, "inputmode": "numeric"}),
    )
    guarantor = forms.ChoiceField(
        label="Guarantor", choices=[("self", "Self-paying"), ("bpjs", "BPJS"), ("other", "Insurance")]
    )
    diagnosis = forms.ChoiceField(
        label="Diagnosis",
        required=False,
        choices=[("", ""), ("J00", "J00 Acute nasopharyngitis"), ("H66.9", "H66.9 Otitis media, unspecified")],
        widget=forms.Select(attrs={"data-combobox": True}),
    )
    sex = forms.ChoiceField(label="Sex", choices=[("f", "Female"), ("m", "Male")], widget=forms.RadioSelect)
    password = forms.CharField(label="Password", widget=forms.PasswordInput(attrs={"autocomplete": "off"}))
    locked = forms.CharField(label="Record number", initial="RM 00-12-34", disabled=True, required=False)
    complaint = forms.CharField(label="Complaint", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    agree = forms.BooleanField(label="The patient agrees to the general consent.")


class FilterForm(forms.Form):
    """Filters of a list."""

    day = forms.DateField(label="Day", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    status = forms.ChoiceField(label="Status", required=False, choices=[("", "All"), ("waiting", "Waiting")])


def icon_names() -> list[str]:
    """Return the names of all icons in the sprite."""
    path = finders.find("img/icons.svg")
    if not path:
        return []
    with open(str(path), encoding="utf-8") as sprite:
        return re.findall(r'<symbol id="([\w-]+)"', sprite.read())


def _patient(name: str, initials: str) -> dict[str, Any]:
    return {
        "full_name": name,
        "display_name": name,
        "record_number": "00-12-34",
        "sex_label": "Female",
        "age_label": "34 y",
        "birth_date": date(1991, 3, 5),
        "birth_label": formats.date_format(date(1991, 3, 5), "DATE_FORMAT"),
        "avatar_initials": initials,
        "guarantor_label": "BPJS",
    }


def context() -> dict[str, Any]:
    """Return the context of `styleguide.html`."""
    return {
        "empty_form": SampleForm(prefix="a"),
        "wrong_form": SampleForm({"b-nik": "3171", "b-weight_kg": "900"}, prefix="b"),
        "filter_form": FilterForm(prefix="f"),
        "icons": icon_names(),
        "tones": ["neutral", "primary", "accent", "success", "warning", "danger", "info"],
        "patient": _patient("Siti Rahmawati", "SR"),
        "long_patient": _patient(LONG_NAME, "MS"),
        "allergies": [
            {"substance": "Amoxicillin", "reaction": "hives", "severity": "severe"},
            {"substance": "Ibuprofen", "reaction": "", "severity": ""},
        ],
        "asked_on": date(2026, 3, 5),
        "facts": [("Address", "Sungai Panas, Batam Kota"), ("Phone", "0812-3456-7890"), ("Mother's name", "")],
        "columns": [{"label": "Medicine"}, {"label": "Quantity", "num": True}],
        "rows": [["Paracetamol 500 mg tablet", "10"], ["Cetirizine 10 mg tablet", "5"]],
        "steps": ["Doctor", "Day and hour", "Complaint", "Check"],
        "tabs": [
            {"label": "Summary", "url": "#tabs", "active": True, "icon": "clipboard"},
            {"label": "Visits", "url": "#tabs", "count": 12, "icon": "history"},
            {"label": "Bills", "url": "#tabs", "count": 0, "icon": "receipt"},
        ],
    }
