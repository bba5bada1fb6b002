import pytest
from django.test import RequestFactory

from accounts.models import User
from core.pagination import keyset_page
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def page(query, size=2):
    return keyset_page(RequestFactory().get(f"/{query}"), User.objects.all(), size=size)


def test_walks_forth_and_back_and_keeps_filters():
    users = [UserFactory() for _ in range(5)][::-1]
    first = page("?status=x")
    assert list(first) == users[:2]
    assert first.previous_url == ""
    assert "status=x" in first.next_url
    second = page(first.next_url)
    assert list(second) == users[2:4]
    third = page(second.next_url)
    assert list(third) == users[4:]
    assert third.next_url == ""
    assert list(page(third.previous_url)) == users[2:4]
    back = page(second.previous_url)
    assert list(back) == users[:2]
    assert back.previous_url == ""


@pytest.mark.parametrize("query", ["?after=", "?after=x", "?before=1%27", "?after=%00"])
def test_a_forged_key_starts_at_the_newest(query):
    newest = [UserFactory() for _ in range(3)][-1]
    assert next(iter(page(query))) == newest
