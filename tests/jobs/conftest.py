from __future__ import annotations

import pytest
from django.utils import translation

from jobs import kinds
from tests.jobs import sample


@pytest.fixture(autouse=True)
def _in_english():
    """Sentences are matched in the language of the source; pages follow the user's own language."""
    with translation.override("en"):
        yield


@pytest.fixture
def kind():
    """The sample kind, known during this test."""
    with sample.registered(
        phases={"counting": "Counting one by one"}, summary=lambda job: f"{job.outcome['rows']} counted"
    ) as made:
        yield made


@pytest.fixture
def person(cast):
    """Somebody whose sentences are in the language of the source."""
    cast.nurse.language = "en"
    cast.nurse.save(update_fields=["language"])
    return cast.nurse


@pytest.fixture(autouse=True)
def _unknown_at_first():
    """The access matrix makes the sample kind known for good; the tests of jobs begin without it."""
    left = kinds._kinds.pop(sample.NAME, None)
    yield
    if left is not None:
        kinds._kinds[sample.NAME] = left
