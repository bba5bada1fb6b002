"""Reports of the Content-Security-Policy: kept without anything about people, bounded, and never an error."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from accounts import csp_views
from core import csp_reports
from core.models import CspReport

URL = reverse("accounts:csp-report")
PATIENT_PAGE = "https://emr.example/patients/019cbbf0-17dd-77e5-a5df-9cc74e964a77/?q=Siti#nik-3171234567890001"


def old_style(**changes) -> bytes:
    report = {
        "document-uri": PATIENT_PAGE,
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://evil.example/x.js?name=Siti",
        "source-file": "https://emr.example/static/js/app.js",
        "line-number": 7,
        "script-sample": "alert('Siti Aminah')",
        "referrer": "https://emr.example/patients/?q=Siti",
    } | changes
    return json.dumps({"csp-report": report}).encode()


def send(body: bytes, kind: str = "application/csp-report", client: Client | None = None, **extra):
    return (client or Client(enforce_csrf_checks=True)).post(URL, body, content_type=kind, **extra)


@pytest.mark.django_db
class TestKept:
    def test_one_report_without_anything_about_people(self):
        assert send(old_style()).status_code == 204
        row = CspReport.objects.get()
        assert (row.directive, row.blocked, row.page, row.source, row.times) == (
            "script-src-elem",
            "https://evil.example/x.js",
            "https://emr.example/patients/…/",
            "https://emr.example/static/js/app.js:7",
            1,
        )
        assert "Siti" not in str(row.__dict__)
        assert "3171234567890001" not in str(row.__dict__)

    @pytest.mark.parametrize("link", ["board", "kiosk", "on-site", "account/link", "calendar-feeds"])
    def test_the_secret_of_a_link_is_not_kept(self, link):
        secret = "Ju8Raye_VHRlcXpfuzGYyMaUvSqnsfvhramtafuZgab"
        send(old_style(**{"document-uri": f"https://emr.example/{link}/{secret}/panel/"}))
        assert CspReport.objects.get().page == f"https://emr.example/{link}/…/panel/"

    def test_equal_ones_are_counted(self):
        for _n in range(3):
            send(old_style())
        assert CspReport.objects.get().times == 3

    def test_the_newer_form(self):
        body = {"documentURL": PATIENT_PAGE, "effectiveDirective": "img-src", "blockedURL": "data", "lineNumber": 3}
        send(json.dumps([{"type": "csp-violation", "body": body}]).encode(), "application/reports+json")
        row = CspReport.objects.get()
        assert (row.directive, row.blocked) == ("img-src", "data")

    def test_pages_say_where_to_report(self, client):
        assert "report-uri /csp-report/" in client.get(reverse("accounts:login"))["Content-Security-Policy"]


@pytest.mark.django_db
class TestHostile:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b"[1, null, {}]",
            b'{"csp-report": 1}',
            b'{"csp-report": {"effective-directive": 5}}',
            b'{"csp-report": {"effective-directive": "<script>"}}',
            b"\xff\xfe\x00",
            b"[" * 15000,
            b'{"csp-report": {"effective-directive": "img-src", "document-uri": "http://[::1", "line-number": -1}}',
            b'{"csp-report": {"effective-directive": "img-src", "document-uri": "x\\u0000y", "line-number": 1e99}}',
        ],
    )
    def test_any_body(self, body):
        assert send(body).status_code == 204
        assert CspReport.objects.count() <= 1

    def test_a_huge_body_is_not_read(self):
        assert send(old_style(**{"document-uri": "https://emr.example/" + "a" * 20_000})).status_code == 204
        assert not CspReport.objects.exists()

    def test_a_flood_from_one_address_is_not_kept(self):
        for number in range(csp_views.PER_MINUTE + 10):
            send(old_style(**{"blocked-uri": f"https://evil.example/{'a' * number}"}))
        assert CspReport.objects.count() == csp_views.PER_MINUTE

    def test_made_up_reports_cannot_fill_the_table(self, monkeypatch):
        monkeypatch.setattr(csp_reports, "MOST_ROWS", 3)
        for number in range(6):
            send(old_style(**{"blocked-uri": f"https://evil.example/{'a' * number}"}))
        assert CspReport.objects.count() == 4
        assert CspReport.objects.get(pk=csp_reports.OVERFLOW).times == 3
