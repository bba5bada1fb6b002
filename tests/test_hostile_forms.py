"""Every address with hostile text, forged ids, forged amounts and odd values: a refusal or a clear answer, never a fault.

Django's test client raises what a view does not catch, so a 500 fails here by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.core.handlers.wsgi import WSGIRequest
from django.urls import reverse

from tests.matrix import all_rows, person

ROWS = [row for row in all_rows() if not row.public]
POSTS = [row for row in ROWS if row.method == "POST"]
GETS = [row for row in ROWS if row.method == "GET"]

MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
HOSTILE = {
    "markup": MARKUP,
    "quotes": "' OR 1=1 --\"; DROP TABLE patients_patient; --",
    "emoji": "Nu'man 😀👨‍👩‍👧 \u202eabc",
    "long": "panjang " * 2000,
    "one letter": "a",
    "null byte": "a\x00b",
    "surrogate": "\ud83d",
    "negative": "-999999999999",
    "huge": "9" * 40,
    "float": "1e309",
    "not a number": "NaN",
    "template": "{{ 7*7 }}{% debug %}",
    "other digits": "١٢٣٤٥٦٧٨",
    "foreign id": "0192f0c1-0000-7000-8000-000000000000",
    "far date": "9999-12-31",
    "no date": "2026-02-30",
    "path": "../../etc/passwd",
    "empty": "",
    "blank": " \t\r\n ",
}
FORGED = {
    "status": "paid",
    "price_idr": "1",
    "total_idr": "1",
    "patient": "1",
    "doctor": "1",
    "is_superuser": "1",
    "actor": "1",
}
QUERIES = (
    "q",
    "after",
    "before",
    "status",
    "tab",
    "day",
    "date",
    "from",
    "until",
    "doctor",
    "service",
    "slot",
    "patient",
    "page",
    "next",
)


def opened(row, cast, client_for):
    kwargs = row.build(cast) if row.build else {}
    data = row.data(cast) if row.data else {}
    return client_for(person(cast, row.holder)), reverse(row.name, kwargs=kwargs), data


def clean(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


@dataclass
class Seen:
    """What the code behind an address did with the values of one request."""

    looked: bool = False  # at fields, query or body
    refused: set[str] = field(default_factory=set)  # names whose form field refused the value by itself
    taken: set[str] = field(default_factory=set)  # names whose form field took the value

    def forget(self) -> None:
        self.looked = False
        self.refused.clear()
        self.taken.clear()


@pytest.fixture
def seen(monkeypatch) -> Seen:
    made = Seen()

    def looking(read):
        def look(request):
            made.looked = True
            return read(request)

        return look

    def cleaning(clean_value):
        def clean_bound(form_field, bound):
            try:
                value = clean_value(form_field, bound)
            except ValidationError:
                made.refused.add(bound.html_name)
                raise
            made.taken.add(bound.html_name)
            return value

        return clean_bound

    monkeypatch.setattr(WSGIRequest, "GET", property(looking(WSGIRequest.GET.func)))
    monkeypatch.setattr(WSGIRequest, "POST", property(looking(WSGIRequest.POST.fget), WSGIRequest.POST.fset))
    monkeypatch.setattr(WSGIRequest, "FILES", property(looking(WSGIRequest.FILES.fget)))
    monkeypatch.setattr(WSGIRequest, "body", property(looking(WSGIRequest.body.fget)))
    monkeypatch.setattr(forms.Field, "_clean_bound_field", cleaning(forms.Field._clean_bound_field))
    return made


def hostile_answers(send, seen):
    """Yield (kind, answer) of all hostile values; only of the first two where nothing looks at what the request brings.

    The first two are the values that do harm by being there: markup in a page that names its own address, and length.
    """
    for kind in ("markup", "long", *(kind for kind in HOSTILE if kind not in ("markup", "long"))):
        seen.forget()
        yield kind, send(clean(HOSTILE[kind]))
        if kind != "markup" and not seen.looked:
            return


@pytest.mark.parametrize("row", POSTS, ids=str)
def test_hostile_values_in_every_field(row, cast, client_for, seen):
    """In all fields at once, and then in one field while the others are right.

    What a field refused by itself it refuses again, so of those values one goes alone.
    """
    client, url, data = opened(row, cast, client_for)
    names = [*data, "unknown"] if data else ["reason", "q", "text", "unknown"]
    refused = {}
    for kind, answer in hostile_answers(lambda value: client.post(url, dict.fromkeys(names, value) | FORGED), seen):
        assert answer.status_code < 500, kind
        assert MARKUP.encode() not in answer.content, kind
        refused[kind] = seen.refused - seen.taken - set(FORGED)
    for name in data:
        for kind in ("markup", "huge", "null byte", "foreign id", "far date", "negative", "long", "empty"):
            if kind != "markup" and name in refused.get(kind, ()):
                continue
            seen.forget()
            answer = client.post(url, {**data, name: clean(HOSTILE[kind])})
            assert answer.status_code < 500, (name, kind)
            assert MARKUP.encode() not in answer.content, name
            if not seen.looked:
                return  # what stands behind the address is done or gone: it takes no form any more
        answer = client.post(url, {**data, name: [clean(HOSTILE["markup"]), "2", "3"]})
        assert answer.status_code < 500, name


@pytest.mark.parametrize("row", GETS, ids=str)
def test_hostile_values_in_every_address(row, cast, client_for, seen):
    client, url, _data = opened(row, cast, client_for)
    for kind, answer in hostile_answers(lambda value: client.get(url, dict.fromkeys(QUERIES, value)), seen):
        assert answer.status_code < 500, kind
        assert answer["Content-Type"].startswith("application/") or MARKUP.encode() not in answer.content, kind
