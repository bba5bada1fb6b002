"""Every address against every kind of person. A route without a row in `tests/matrix/` fails here."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse

from accounts.access import Capability
from accounts.models import User
from tests.factories.accounts import UserFactory
from tests.matrix import Row, all_rows, person

FOREIGN = {"admin"}  # Django's admin site has one door for all of its pages; it is run as a group below.
SIGN_IN = {"staff": "accounts:login", "signed_in": "accounts:login", "patient": "accounts:portal-login"}
ROWS = all_rows()


def routes(patterns=None, namespace: str = "") -> dict[str, object]:
    """Return full route name -> view for every pattern outside FOREIGN."""
    found: dict[str, object] = {}
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace in FOREIGN:
                continue
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            found |= routes(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern):
            found[f"{namespace}{pattern.name}"] = pattern.callback
    return found


ROUTES = routes()
APPS = sorted({name.rpartition(":")[0] or "emr" for name in ROUTES})


@pytest.mark.parametrize("app", APPS)
def test_every_route_has_a_row(app):
    covered = {row.name for row in ROWS}
    missing = sorted(name for name in ROUTES if (name.rpartition(":")[0] or "emr") == app and name not in covered)
    assert not missing, f"add rows to tests/matrix/{app}.py for: {missing}"


def test_every_route_has_a_name_and_a_marker():
    assert not [view for name, view in ROUTES.items() if name.endswith("None")]
    assert not [name for name, view in ROUTES.items() if not hasattr(view, "access")]


def test_every_row_names_a_route_that_exists():
    assert not sorted({row.name for row in ROWS} - set(ROUTES))


def send(client: Client, row: Row, url: str, data: dict):
    return client.post(url, data) if row.method == "POST" else client.generic(row.method, url)


def everything_but(monkeypatch, capabilities) -> User:
    """A colleague who may do everything on the staff side except `capabilities`."""
    colleague = UserFactory(username="all.but.one", full_name="Semua Kecuali Satu")
    held = frozenset(Capability) - set(capabilities) - {Capability.USE_PORTAL}
    real = User.__dict__["capabilities"]
    monkeypatch.setattr(
        User, "capabilities", property(lambda user: held if user.pk == colleague.pk else real.func(user)), raising=True
    )
    return colleague


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row(row: Row, cast, client_for, monkeypatch):
    kwargs = row.build(cast) if row.build else {}
    url = reverse(row.name, kwargs=kwargs)
    data = row.data(cast) if row.data else {}
    side, capabilities = resolve(url).func.access
    assert row.public == (side == "public"), "the row and the view's marker disagree about who may open it"

    if not row.public:
        answer = send(Client(), row, url, data)
        assert answer.status_code == 302, f"anonymous: {answer.status_code}"
        assert answer["Location"].startswith(reverse(SIGN_IN[side])), f"anonymous was sent to {answer['Location']}"
        if row.outsider is None:
            assert side == "signed_in" or row.note, "say in `note` why nobody is an outsider"
        else:
            status = send(client_for(person(cast, row.outsider)), row, url, data).status_code
            assert status == 404, f"outsider: {status}"
        if row.colleague is not None:
            status = send(client_for(person(cast, row.colleague)), row, url, data).status_code
            assert status == 403, f"colleague: {status}"
        if side == "staff" and Capability.USE_STAFF_SITE not in capabilities:
            with monkeypatch.context() as patch:
                status = send(client_for(everything_but(patch, capabilities)), row, url, data).status_code
            assert status == 403, f"colleague with every other capability: {status}"

    holder = None if row.public else person(cast, row.holder)
    client = Client() if holder is None else client_for(holder)
    if row.method == "POST" and not any(other.name == row.name and other.method == "GET" for other in ROWS):
        status = client.get(url).status_code
        assert status == 405, f"GET of a POST-only route: {status}"
    status = send(client, row, url, data).status_code
    allowed = row.expect or (*range(200, 300), *((302,) if row.method == "POST" else ()))
    assert status in allowed, f"holder: {status}"
    if side != "public" and status == 200:
        assert "no-store" in send(client, row, url, data)["Cache-Control"] or row.method == "POST"


def back_office_urls() -> list[str]:
    """Every address of the back office, with made-up ids."""
    admin = next(found for found in get_resolver().url_patterns if getattr(found, "namespace", None) == "admin")

    def walk(patterns, prefix: str) -> list[str]:
        urls: list[str] = []
        for pattern in patterns:
            route = str(pattern.pattern).lstrip("^")
            if isinstance(pattern, URLResolver):
                urls += walk(pattern.url_patterns, prefix + route)
            elif pattern.name and "(" not in route:
                for part in ("<path:object_id>", "<int:content_type_id>", "<path:from_field>"):
                    route = route.replace(part, "1")
                urls.append(prefix + route)
        return urls

    return [url for url in walk(admin.url_patterns, f"/{admin.pattern}") if "<" not in url]


@pytest.mark.django_db
def test_back_office_has_one_door(cast, client_for):
    urls = back_office_urls()
    assert len(urls) > 12
    login = reverse("accounts:login")
    anonymous, patient, nurse, admin = (
        Client(),
        client_for(cast.patient_user),
        client_for(cast.nurse),
        client_for(cast.admin),
    )
    for url in urls:
        answer = anonymous.get(url)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, login), url
        assert patient.get(url).status_code == 404, url
        assert nurse.get(url).status_code == 403, url
    assert admin.get(reverse("admin:index")).status_code == 200
