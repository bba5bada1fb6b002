"""What is read about patients, printed, exported or searched is in the log; a new page must be listed here.

Every address of the access matrix is opened by its holder. A page is *about patients* when its answer is no web page (a
paper, a file) or shows the name or the record number of a patient. Each such page stands in READS with the action it
writes, or in WITHOUT with the reason why it writes none.
"""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import resolve, reverse

from audit.models import AuditEvent
from patients.models import Patient
from tests.matrix import Row, all_rows, person

READ, PRINTED, SEARCHED = "patients.chart.read", "patients.paper.printed", "patients.patient.searched"
READS: dict[str, str] = {
    "billing:invoice-pdf": PRINTED,
    "billing:portal-bill": READ,
    "billing:portal-invoice-pdf": PRINTED,
    "billing:receipt-pdf": PRINTED,
    "consultations:vitals-mark-error": READ,
    "consultations:vitals-record": READ,
    "jobs:result": "jobs.result.downloaded",
    "patients:allergies": READ,
    "patients:allergy-edit": READ,
    "patients:archive-page": READ,
    "patients:basics": READ,
    "patients:basics-entry-edit": READ,
    "patients:consent-choice": READ,
    "patients:consent-detail": READ,
    "patients:consent-form-pdf": PRINTED,
    "patients:consent-general": READ,
    "patients:consent-pdf": PRINTED,
    "patients:consent-withdraw": READ,
    "patients:consents": READ,
    "patients:coverage-add": READ,
    "patients:coverage-edit": READ,
    "patients:coverage-end": READ,
    "patients:coverage-mark-wrong": READ,
    "patients:coverages": READ,
    "patients:data-request-add": READ,
    "patients:data-request-detail": READ,
    "patients:data-request-letter": PRINTED,
    "patients:data-rights": READ,
    "patients:detail": READ,
    "patients:document-add": READ,
    "patients:document-detail": READ,
    "patients:document-download": "patients.document.opened",
    "patients:document-edit": READ,
    "patients:document-file": "patients.document.opened",
    "patients:document-mark-wrong": READ,
    "patients:documents": READ,
    "patients:duplicate-detail": READ,
    "patients:edit": READ,
    "patients:erasure": READ,
    "patients:erasure-certificate": PRINTED,
    "patients:guardian-add": READ,
    "patients:guardians": READ,
    "patients:identity-card": "patients.image.viewed",
    "patients:image-edit": READ,
    "patients:merge": READ,
    "patients:merge-detail": READ,
    "patients:merge-undo": READ,
    "patients:merges": READ,
    "patients:paper-choice": READ,
    "patients:portal-consent-choice": READ,
    "patients:portal-consent-detail": READ,
    "patients:portal-consent-pdf": PRINTED,
    "patients:portal-consent-withdraw": READ,
    "patients:portal-consents": READ,
    "patients:portal-coverages": READ,
    "patients:portal-document-detail": READ,
    "patients:portal-document-download": "patients.document.opened",
    "patients:portal-document-file": "patients.document.opened",
    "patients:portal-health": READ,
    "patients:portal-data-request": READ,
    "patients:portal-data-request-copy": "patients.data_request.copy_opened",
    "patients:portal-data-request-letter": PRINTED,
    "patients:portal-documents": READ,
    "patients:portal-image": "patients.image.viewed",
    "patients:portal-images": READ,
    "patients:portal-profile": READ,
    "patients:limit-lift": READ,
    "patients:portal-rights": READ,
    "patients:registered": READ,
    "patients:register-newborn": READ,
    "patients:search": SEARCHED,
    "pharmacy:item-label": PRINTED,
    "pharmacy:portal-prescription-pdf": PRINTED,
    "pharmacy:prescription-detail": READ,
    "pharmacy:prescription-labels": PRINTED,
    "pharmacy:prescription-pdf": PRINTED,
    "reports:audit-export": "reports.audit.exported",
    "reports:portal-record-access": "reports.access_log.viewed",
    "scheduling:appointment-detail": READ,
    "scheduling:appointment-ics": READ,
    "scheduling:calendar-print": PRINTED,
    "scheduling:follow-up": READ,
    "scheduling:follow-up-ask": READ,
    "scheduling:patient-book": READ,
    "scheduling:patient-family": READ,
    "scheduling:patient-reminders": READ,
    "scheduling:patient-wish": READ,
    "scheduling:portal-appointment-detail": READ,
    "scheduling:ticket-slip": PRINTED,
    "scheduling:walk-in": READ,
    "workspace:bill-detail": READ,
    "workspace:consultation": READ,
    "workspace:history-panel": READ,
    "workspace:patient-chart": READ,
    "workspace:patient-record": READ,
    "workspace:portal-visit": READ,
    "workspace:portal-visits": READ,
    "workspace:visit-detail": READ,
}
OWN_LIST = "names and times in a list of one's own portal; each entry that is opened is an event"
STEP = "the form before an act, which is an event; it shows the name of the row it belongs to"
PART = "part of a page that wrote its event when it was opened"
WITHOUT: dict[str, str] = {
    "billing:portal-bills": OWN_LIST,
    "patients:emergency-detail": "the reviewer's page: a record number and no name; the review is an event",
    "patients:emergency-start": "follows the look-up, which is an event; starting is one too",
    "patients:guardian-link-end": STEP,
    "patients:guardian-request": "names who asks for whom, at the desk; the decision is an event",
    "patients:import-template": "an empty list: headings and one invented example",
    "patients:missing-record": "an account without a record; building it is an event",
    "patients:portal-data-request-add": STEP,
    "patients:portal-family": OWN_LIST,
    "patients:portal-family-ask": STEP,
    "patients:document-preview": PART,
    "patients:photo": PART,
    "patients:photo-large": PART,
    "patients:portal-document-add": STEP,
    "patients:portal-document-preview": PART,
    "patients:retention": "a record number and no name; the decision is an event",
    "scheduling:appointment-cancel": STEP,
    "scheduling:appointment-move": STEP,
    "scheduling:appointment-reject": STEP,
    "scheduling:calendar-slot": "one time of the calendar: the name and state that stand in it, and no complaint",
    "scheduling:onsite": OWN_LIST,
    "scheduling:offer-accept": STEP,
    "scheduling:waitlist": "names and wishes for the desk, as its list of appointments",
    "scheduling:waitlist-panel": PART,
    "scheduling:portal-appointment-cancel": STEP,
    "scheduling:reminder-list": "names and times for the desk, as its list of appointments; each reminder sent is an event",
    "scheduling:reminder-list-panel": PART,
    "scheduling:portal-appointment-list": OWN_LIST,
    "scheduling:portal-appointment-move": STEP,
    "scheduling:portal-book": STEP,
    "scheduling:portal-family-list": OWN_LIST,
    "scheduling:portal-reminders": STEP,
    "scheduling:portal-waitlist": OWN_LIST,
    "scheduling:portal-waitlist-join": STEP,
    "scheduling:closed-bookings": STEP,
    "scheduling:session-cancel": STEP,
    "scheduling:session-change": STEP,
    "scheduling:time-off-add": STEP,
    "scheduling:visit-cancel": STEP,
    "support:portal-message-detail": "one's own message to the clinic",
    "support:portal-message-list": OWN_LIST,
    "workspace:consultation-review": PART,
    "workspace:payment-done": "follows the payment, which is an event",
    "workspace:portal-home": OWN_LIST,
    "workspace:portal-record": STEP,
}

OF_TWO = {"patients:duplicate-detail", "patients:merge"}  # two records side by side

ROWS = [row for row in all_rows() if not row.public and (row.method == "GET" or "search" in row.name)]


def is_about_patients(response, names: list[str]) -> bool:
    """True when an answer is a paper or a file, or shows who a patient is."""
    if response.status_code != 200:
        return False
    kind = response.headers.get("Content-Type", "")
    if not kind.startswith(("text/html", "application/json")):
        return True
    body = response.content.decode()
    return any(name and name in body for name in names)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_pages_about_patients_write_an_event(row: Row, cast, client_for):
    kwargs = row.build(cast) if row.build else {}
    url = reverse(row.name, kwargs=kwargs)
    data = row.data(cast) if row.data else {}
    client: Client = client_for(person(cast, row.holder))
    last = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
    answer = client.post(url, data) if row.method == "POST" else client.get(url)
    events = list(AuditEvent.objects.filter(id__gt=last).values_list("action", "patient_id"))
    names = [text for patient in Patient.objects.all() for text in (patient.full_name, patient.record_number)]
    if row.name in READS and (row.method == "POST" or "search" not in row.name):
        assert READS[row.name] in {action for action, _patient in events}, f"{row.name} wrote {events}"
        about = {str(patient) for action, patient in events if action == READS[row.name]}
        told = [patient for action, patient in events if action == READS[row.name]]
        assert len(told) == (2 if row.name in OF_TWO else 1), "one event an act, and one for each patient it shows"
        assert len(told) == len(set(told))
        assert "search" in row.name or "export" in READS[row.name] or about != {"None"}, "the event names no patient"
        return
    assert not is_about_patients(answer, names) or row.name in WITHOUT, (
        f"{row.name} shows patients; record it and list it in READS ({resolve(url).func.__module__})"
    )


def test_the_tables_name_pages_that_exist():
    known = {row.name for row in all_rows()}
    assert set(READS) - known == set()
    assert set(READS) & set(WITHOUT) == set()


def test_a_paper_without_an_entry_would_fail(cast):
    class Answer:
        status_code = 200
        headers = {"Content-Type": "application/pdf"}

    assert is_about_patients(Answer(), [])
    Answer.headers = {"Content-Type": "text/html; charset=utf-8"}
    Answer.content = b"<p>Siti Aminah</p>"
    assert is_about_patients(Answer(), ["Siti Aminah"])
    assert not is_about_patients(Answer(), ["", "Agus"])
