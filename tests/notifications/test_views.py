from __future__ import annotations

import pytest
from django.urls import reverse

from notifications.models import Email, Notice
from notifications.services import notify


def test_a_person_sees_own_notices_only(cast, client_for):
    notify(recipients=[cast.doctor], kind="patient_arrived", params={"queue": "B007"})
    body = client_for(cast.nurse).get(reverse("notifications:notice-list")).content.decode()
    assert "B007" not in body
    for name in ("notice-open", "notice-read"):
        url = reverse(f"notifications:{name}", args=[Notice.objects.get().pk])
        assert client_for(cast.nurse).post(url).status_code == 404
    assert Notice.objects.unread().count() == 1


def test_notices_are_shown_read_and_opened(cast, client_for):
    notify(recipients=[cast.nurse], kind="patient_arrived", params={"queue": "<b>A012</b>"}, path="/notices/?x=1")
    notify(recipients=[cast.nurse], kind="support_message")
    client = client_for(cast.nurse)
    body = client.get(reverse("notifications:notice-list")).content.decode()
    assert "&lt;b&gt;A012&lt;/b&gt;" in body
    assert ">2<" in client.get(reverse("notifications:notice-bell")).content.decode()
    notice = Notice.objects.get(kind="patient_arrived")
    answer = client.post(reverse("notifications:notice-open", args=[notice.pk]))
    assert (answer.status_code, answer["Location"]) == (302, "/notices/?x=1")
    assert Notice.objects.unread().count() == 1
    answer = client.post(reverse("notifications:notice-read-all"), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer.content.decode().count("notice-unread") == 0
    assert Notice.objects.unread().count() == 0


def test_a_path_to_elsewhere_is_not_followed(cast, client_for):
    notify(recipients=[cast.nurse], kind="support_message", path="//evil.example/")
    answer = client_for(cast.nurse).post(reverse("notifications:notice-open", args=[Notice.objects.get().pk]))
    assert answer["Location"] == reverse("notifications:notice-list")


def test_a_patient_reads_notices_in_the_portal(cast, client_for):
    notify(recipients=[cast.patient_user], kind="prescription_ready")
    answer = client_for(cast.patient_user).get(reverse("notifications:notice-list"))
    assert answer.status_code == 200
    assert "base_portal.html" in [template.name for template in answer.templates]


@pytest.mark.parametrize("name", ["notice-list", "notice-list-panel"])
def test_queries_do_not_grow_with_the_list(cast, client_for, django_assert_max_num_queries, name):
    client = client_for(cast.nurse)
    client.get(reverse(f"notifications:{name}"))  # what is cached by the first page of a session is not counted
    counts = []
    for total in (3, 27):
        for _number in range(total):
            notify(recipients=[cast.nurse], kind="support_message", path="/notices/")
        with django_assert_max_num_queries(15) as queries:
            client.get(reverse(f"notifications:{name}"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_board_hides_addresses_and_bodies_and_pages(cast, client_for, order):
    for number in range(31):
        order(key=f"mail:{number}", to="siti.aminah@surat.example", name="Siti Rahasia")
    client = client_for(cast.admin)
    page = client.get(reverse("notifications:email-list"))
    body = page.content.decode()
    assert "siti.aminah" not in body
    assert "s•••@surat.example" in body
    assert "Siti Rahasia" not in body
    assert len(page.context["page"].rows) == 30
    assert len(client.get("/emails/" + page.context["page"].next_url).context["page"].rows) == 1
    assert client.get("/emails/?status=sent&after=nonsense").status_code == 200


def test_the_board_costs_the_same_for_3_and_30(cast, client_for, order, django_assert_max_num_queries):
    client = client_for(cast.admin)
    client.get(reverse("notifications:email-list"))
    counts = []
    for start, total in ((0, 3), (3, 27)):
        for number in range(start, start + total):
            order(key=f"mail:{number}")
        with django_assert_max_num_queries(15) as queries:
            client.get(reverse("notifications:email-list"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_one_more_try_is_ordered_for_failed_mails_only(cast, client_for, order):
    email = order()
    client = client_for(cast.admin)
    url = reverse("notifications:email-resend", args=[email.pk])
    client.post(url)
    email.refresh_from_db()
    assert (email.status, email.max_attempts) == (Email.Status.QUEUED, 6)
    Email.objects.update(status=Email.Status.FAILED, attempts=6)
    assert (
        reverse("notifications:email-resend", args=[email.pk]) in client.get("/emails/?status=failed").content.decode()
    )
    client.post(url)
    email.refresh_from_db()
    assert (email.status, email.attempts, email.max_attempts) == (Email.Status.QUEUED, 6, 7)
