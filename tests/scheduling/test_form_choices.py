"""Nobody reads dashes: a choice that is still open says so in words."""

from __future__ import annotations

from typing import Any, cast

import pytest
from django import forms
from django.db.models.fields import BLANK_CHOICE_DASH
from django.utils.translation import gettext

from accounts.models import Specialty
from scheduling.forms.catalogue import ServiceForm
from scheduling.forms.queue import StationForm
from scheduling.models import Stage, Station

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("form", [StationForm, ServiceForm])
def test_an_open_choice_says_so_in_words(form: type[forms.ModelForm]) -> None:
    assert BLANK_CHOICE_DASH[0][1] not in form().as_div()


@pytest.mark.parametrize(
    ("form", "name", "choices"),
    [
        (StationForm, "stage", Stage.choices),
        (StationForm, "spoken", Station.Spoken.choices),
        (ServiceForm, "specialty", Specialty.choices),
    ],
)
def test_the_other_choices_stay(form: type[forms.ModelForm], name: str, choices: list[tuple[str, str]]) -> None:
    field = cast(Any, form().fields[name])
    assert list(field.choices) == [("", gettext("Choose")), *choices]


def test_labels_of_a_station_begin_with_a_capital() -> None:
    labels = [str(field.label) for field in StationForm().fields.values()]
    assert labels == [label[:1].upper() + label[1:] for label in labels]
