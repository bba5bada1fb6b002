"""Every address with hostile text, forged ids, forged amounts and odd values: a refusal or a clear answer, never a fault.

Django's test client raises what a view does not catch, so a 500 fails here by itself.
"""

from __future__ import annotations

import pytest
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


@pytest.mark.parametrize("row", POSTS, ids=str)
def test_hostile_values_in_every_field(row, cast, client_for):
    client, url, data = opened(row, cast, client_for)
    names = [*data, "unknown"] if data else ["reason", "q", "text", "unknown"]
    for value in HOSTILE.values():
        answer = client.post(url, dict.fromkeys(names, clean(value)) | FORGED)
        assert answer.status_code < 500
        assert MARKUP.encode() not in answer.content
    for name in data:
        for kind in ("markup", "huge", "null byte", "foreign id", "far date", "negative", "long", "empty"):
            answer = client.post(url, {**data, name: clean(HOSTILE[kind])})
            assert answer.status_code < 500, (name, kind)
            assert MARKUP.encode() not in answer.content, name
        answer = client.post(url, {**data, name: [clean(HOSTILE["markup"]), "2", "3"]})
        assert answer.status_code < 500, name


@pytest.mark.parametrize("row", GETS, ids=str)
def test_hostile_values_in_every_address(row, cast, client_for):
    client, url, _data = opened(row, cast, client_for)
    for value in HOSTILE.values():
        answer = client.get(url, dict.fromkeys(QUERIES, clean(value)))
        assert answer.status_code < 500
        assert answer["Content-Type"].startswith("application/") or MARKUP.encode() not in answer.content
