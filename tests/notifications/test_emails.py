from __future__ import annotations

from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.urls import reverse

from notifications import emails

NAME = 'Siti <script>alert(1)</script> & "Ani" O\'Brien 🌸'
FULL = {
    "name": NAME,
    "username": "dr.rina",
    "reason": "Data <b>tidak</b> cocok",
    "record_number": "000042",
    "doctor": "dr. Rina Hartati",
    "starts_at": datetime(2026, 3, 5, 1, 30, tzinfo=UTC),
    "old_starts_at": datetime(2026, 3, 4, 1, 30, tzinfo=UTC),
    "held_until": datetime(2026, 3, 5, 3, 0, tzinfo=UTC),
    "code": "K7WQ9MNP",
    "is_confirmed": True,
    "alternatives": [{"starts_at": datetime(2026, 3, 9, 2, 0, tzinfo=UTC), "path": "/portal/book/times/?slot=1"}],
    "amount_idr": 1250000,
    "invoice_number": "INV/2026/03/000001",
    "issued_on": date(2026, 3, 2),
    "paid_at": datetime(2026, 3, 5, 3, 0, tzinfo=UTC),
    "receipt_number": "KW/2026/03/000001",
    "method": "QRIS",
    "change": "app_added",
    "changed_at": datetime(2026, 3, 5, 3, 0, tzinfo=UTC),
    "used_at": datetime(2026, 3, 5, 3, 0, tzinfo=UTC),
    "expires_at": datetime(2026, 3, 6, 3, 0, tzinfo=UTC),
    "left": 2,
    "ends_at": datetime(2026, 3, 5, 3, 30, tzinfo=UTC),
    "started_at": datetime(2026, 3, 5, 3, 30, tzinfo=UTC),
    "person": "dr. Rina Hartati",
    "count": 4,
    "asked_at": datetime(2026, 3, 5, 3, 0, tzinfo=UTC),
    "ends_on": date(2026, 4, 2),
    "is_for_patient": True,
    "device": "Chrome · Linux, Maret 2026",
    "sequence": 1440,
    "last_id": 86400,
    "sealed_at": datetime(2026, 3, 5, 3, 0, tzinfo=UTC),
    "line": "1440 86400 9f2c 2026-03-05T03:00:00.000000+00:00 77aa",
    "number": "PDP-2026-0001",
    "due_at": datetime(2026, 3, 8, 3, 0, tzinfo=UTC),
    "refused_at": datetime(2026, 3, 5, 3, 0, tzinfo=UTC),
    "discovered_at": datetime(2026, 3, 5, 3, 0, tzinfo=UTC),
    "data_kinds": ["Data kesehatan", "Identitas"],
    "course": "Laptop dicuri dari mobil.",
    "measures": "Kunci diganti.",
}


def contexts(template: str):
    declared = emails.TEMPLATES[template]
    for keys in (declared.required, declared.required | declared.optional):
        yield {key: FULL[key] for key in keys}


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.names, self.links, self.text = set(), [], ""

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("template", emails.TEMPLATES)
def test_every_mail_escapes_names_links_home_and_keeps_the_subject_clean(template, language):
    for context in contexts(template):
        mail = emails.render(template, language, {**context, "path": "/portal/"})
        page = Tags()
        page.feed(mail.html)
        assert "script" not in page.names
        assert "b" not in page.names
        assert NAME in page.text
        assert NAME in mail.text, "plain text is not HTML"
        assert all(link.startswith(settings.SITE_URL) for link in page.links)
        assert f'lang="{language}"' in mail.html
        assert settings.CLINIC_NAME in mail.text
        assert settings.CLINIC_NAME in mail.html
        assert settings.CLINIC_PHONE in mail.text
        assert "\n" not in mail.subject
        assert mail.subject.endswith(settings.CLINIC_NAME)
        for value in ("Siti", "Rina", "000042", "K7WQ9MNP", "INV", "1.250.000", "2026"):
            assert value not in mail.subject
        assert "{{" not in mail.html + mail.text + mail.subject
        if "starts_at" in context:
            assert ("08.30" if language == "id" else "08:30") + " WIB" in mail.text
        if "code" in context:
            assert "K7WQ9MNP" in mail.text
            assert "K7WQ9MNP" in page.text
        if "alternatives" in context:
            assert f"{settings.SITE_URL}/portal/book/times/?slot=1" in page.links
            assert f"{settings.SITE_URL}/portal/book/times/?slot=1\n" in mail.text
            assert ("09.00" if language == "id" else "09:00") + " WIB" in mail.text
        if "amount_idr" in context:
            assert "Rp1.250.000" in mail.text
            assert "Rp1.250.000" in mail.html
        if "reason" in context:
            assert "Data <b>tidak</b> cocok" in page.text


@pytest.mark.parametrize("context", [{}, {"name": "Siti"}, {"name": "S", "record_number": "1", "diagnosis": "J06.9"}])
def test_other_keys_than_declared_are_refused(context):
    with pytest.raises(ValueError, match="account_activated"):
        emails.render("account_activated", "id", context)
    with pytest.raises(ValueError, match="unknown"):
        emails.render("newsletter", "id", {"name": "Siti"})


def test_the_page_a_button_opens_exists():
    assert {reverse(declared.url_name) for declared in emails.TEMPLATES.values()}


def test_mails_load_nothing_and_survive_dark_clients():
    mail = emails.render("account_activated", "id", {"name": "Siti", "record_number": "1"})
    assert "prefers-color-scheme: dark" in mail.html
    assert "url(" not in mail.html
    assert "<img" not in mail.html


@pytest.mark.parametrize("template", sorted(set(emails.TEMPLATES) - {"account_created"}))
def test_a_guardians_mail_says_that_it_is_about_somebody_else(template):
    context = next(contexts(template))
    line = "a person you look after. Open it"
    assert line not in emails.render(template, "en", context).text
    mail = emails.render(template, "en", {**context, "is_about_dependant": True})
    assert line in mail.text
    assert line in mail.html
