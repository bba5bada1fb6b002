import pytest
from django.utils import translation


@pytest.fixture(autouse=True)
def _in_english():
    """Sentences are matched in the language of the source; pages follow the user's own language."""
    with translation.override("en"):
        yield
