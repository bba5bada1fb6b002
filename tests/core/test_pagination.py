from uuid import UUID, uuid4

import pytest
from django.db.models import Case, Value, When
from django.http import QueryDict

from accounts.models import Specialty, User
from core.pagination import Page, keyset_page
from tests.factories.accounts import DoctorFactory, UserFactory

pytestmark = pytest.mark.django_db

ORDERS = [
    ("-pk",),
    ("pk",),
    ("-id",),
    ("id",),
    ("username",),
    ("-username",),
    ("theme", "username"),
    ("theme", "-username"),
    ("-theme", "id"),
    ("-theme", "-pk"),
    ("is_active", "-theme", "pk"),
    ("-is_active", "theme", "-username"),
    ("-is_active", "created_at", "-theme", "id"),
    ("rank", "username"),
    ("-rank", "-staff_profile__specialty", "pk"),
]


def people():
    rank = Case(When(theme=User.Theme.DARK, then=Value(0)), default=Value(1))
    return User.objects.annotate(rank=rank)


def page(query, *, rows=None, size=2, **kwargs) -> Page[User]:
    return keyset_page(QueryDict(query.removeprefix("?")), people() if rows is None else rows, size=size, **kwargs)


@pytest.fixture
def staff():
    """Eleven people with many equal values in every field but id and user name."""
    themes, specialties = list(User.Theme), [Specialty.GENERAL, Specialty.ENT]
    made = [
        DoctorFactory(
            username=f"orang{number * 7 % 11:02d}",
            theme=themes[number % 3],
            is_active=number % 4 != 0,
            profile={"specialty": specialties[number % 2]},
        )
        for number in range(11)
    ]
    User.objects.update(created_at=made[0].created_at)
    return made


def expected(order):
    """The rows as Python sorts them: by the last field first, since its sort is stable."""
    rows = list(people().select_related("staff_profile"))
    for name in reversed(order):
        field = name.lstrip("-")

        def value(row, field=field):
            for part in field.split("__"):
                row = getattr(row, part)
            return str(row) if isinstance(row, UUID) else row

        rows.sort(key=value, reverse=name.startswith("-"))
    return rows


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
@pytest.mark.usefixtures("staff")
def test_walks_forth_and_back(order):
    wanted = expected(order)
    for size in (1, 3, 10, 11, 12):
        chunks = [wanted[start : start + size] for start in range(0, len(wanted), size)]
        shown = page("", order=order, size=size)
        assert (shown.rows, shown.previous_url) == (chunks[0], "")
        for chunk in chunks[1:]:
            shown = page(shown.next_url, order=order, size=size)
            assert (shown.rows, bool(shown.previous_url)) == (chunk, True)
        assert shown.next_url == ""
        for chunk, behind in zip(chunks[-2::-1], chunks[:0:-1], strict=True):
            shown = page(shown.previous_url, order=order, size=size)
            assert shown.rows == chunk
            assert page(shown.next_url, order=order, size=size).rows == behind
        assert shown.previous_url == ""


@pytest.mark.usefixtures("staff")
def test_other_parameters_are_kept_and_the_cursor_is_one():
    start = "status=x&status=y&q=a%26b"
    first = page(start)
    last = first.rows[-1].pk
    assert first.next_url == f"?{start}&after={last}"
    second = page(first.next_url)
    assert second.next_url == f"?{start}&after={second.rows[-1].pk}"
    assert second.previous_url == f"?{start}&before={second.rows[0].pk}"
    back = page(second.previous_url)
    assert (back.rows, back.previous_url, back.next_url) == (first.rows, "", first.next_url)
    # Both at once comes from no page of ours: `after` counts.
    both = page(f"after={last}&before={second.rows[1].pk}")
    assert both.rows == second.rows


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
@pytest.mark.usefixtures("staff")
def test_a_forged_id_shows_the_first_page(order):
    first = page("show=all", order=order)
    for value in ("", "x", "1%27", "%00", "%F0%9F%98%80", "9" * 5000, "0" * 33, "1.5", "-1"):
        for name in ("after", "before"):
            assert page(f"{name}={value}&show=all", order=order) == first, value


@pytest.mark.parametrize("order", [order for order in ORDERS if order[0].lstrip("-") not in ("pk", "id")], ids=" ".join)
def test_an_id_outside_the_list_shows_the_first_page(staff, order):
    rows = people().exclude(pk=staff[5].pk)
    first = page("show=all", rows=rows, order=order)
    for key in (uuid4(), staff[5].pk):
        for name in ("after", "before"):
            assert page(f"{name}={key}&show=all", rows=rows, order=order) == first


@pytest.mark.usefixtures("staff")
def test_an_id_with_nothing_behind_it_shows_the_first_page():
    lowest, highest = UUID(int=0), UUID(int=2**128 - 1)
    for query, order in (
        (f"after={lowest}", "-pk"), (f"before={highest}", "-pk"), (f"after={highest}", "pk"), (f"before={lowest}", "id")
    ):  # fmt: skip
        assert page(query, order=(order,)) == page("", order=(order,))
    oldest, newest = page("", order=("pk",), size=1).rows[0], page("", size=1).rows[0]
    assert page(f"after={oldest.pk}") == page("")
    assert page(f"before={newest.pk}") == page("")


def test_a_row_without_neighbours_leads_to_the_start(staff):
    row = staff[3]
    alone = people().filter(pk=row.pk)
    for name in ("after", "before"):
        shown = page(f"{name}={row.pk}&show=all", rows=alone, order=("theme", "username"))
        assert (shown.rows, shown.previous_url, shown.next_url) == ([], "?show=all", "")
        assert not shown
    assert list(page("show=all", rows=alone, order=("theme", "username"))) == [row]


def test_rows_that_come_and_go_move_nothing(staff):
    order = ("theme", "username")
    before = page("", order=order)
    second = page(before.next_url, order=order)
    UserFactory(username="aaa", theme=User.Theme.AUTO)
    assert page(before.next_url, order=order).rows == second.rows
    User.objects.filter(pk=second.rows[0].pk).delete()
    assert page(before.next_url, order=order).rows[0] == second.rows[1]


def test_an_empty_list():
    for rows in (people(), people().none()):
        for query in ("", f"after={uuid4()}", f"before={uuid4()}"):
            for order in (("-pk",), ("theme", "pk")):
                assert page(query, rows=rows, order=order) == Page([], "", "")


@pytest.mark.parametrize(
    ("order", "most"), [(("-pk",), 1), (("id",), 1), (("username",), 2), (("-theme", "username", "pk"), 2)]
)
@pytest.mark.usefixtures("staff")
def test_statements(order, most, django_assert_num_queries, django_assert_max_num_queries):
    with django_assert_num_queries(1):
        first = page("", order=order)
    with django_assert_num_queries(most):
        second = page(first.next_url, order=order)
    with django_assert_num_queries(most):
        page(second.previous_url, order=order)
    for key in ("x", str(UUID(int=0)), str(UUID(int=2**128 - 1)), str(first.rows[0].pk), str(first.rows[1].pk)):
        for name in ("after", "before"):
            with django_assert_max_num_queries(2):
                page(f"{name}={key}", order=order)
