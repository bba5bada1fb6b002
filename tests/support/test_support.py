"""Messages to the clinic: nobody reads another's, one answer stands, hostile text stays text."""

from __future__ import annotations

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from notifications.models import Notice
from support import errors, services
from support.models import SupportMessage
from tests.factories.support import SupportMessageFactory


def events(action: str):
    return AuditEvent.objects.filter(action=f"support.message.{action}")


@pytest.mark.django_db
class TestWrongPerson:
    def test_a_patient_sees_only_their_own(self, cast, client_for):
        mine, theirs = (SupportMessageFactory(sender=user) for user in (cast.patient_user, cast.other_patient_user))
        page = client_for(cast.patient_user).get(reverse("support:portal-message-list"))
        assert [message.pk for message in page.context["page"]] == [mine.pk]
        detail = reverse("support:portal-message-detail", args=[theirs.pk])
        assert client_for(cast.patient_user).get(detail).status_code == 404

    def test_nobody_without_the_right_answers(self, cast, client_for):
        message = SupportMessageFactory(sender=cast.patient_user)
        for person, status in ((cast.patient_user, 404), (cast.nurse, 403), (cast.owner, 403)):
            for name in ("message-answer", "message-read"):
                answer = client_for(person).post(reverse(f"support:{name}", args=[message.pk]), {"answer": "x"})
                assert answer.status_code == status
        assert SupportMessage.objects.get().status == "new"
        assert not AuditEvent.objects.filter(action__startswith="support.").exists()


@pytest.mark.django_db
class TestServices:
    def test_send_tells_the_readers(self, cast):
        assert cast.admin
        message = services.send_message(actor=cast.patient_user, subject=" Tanya \x00 jam ", body="Buka jam\r\nberapa?")
        message = SupportMessage.objects.get(pk=message.pk)
        assert (message.subject, message.body, message.status) == ("Tanya jam", "Buka jam\nberapa?", "new")
        event = events("sent").get()
        assert (event.actor_id, event.patient_id, event.detail) == (
            cast.patient_user.pk,
            cast.patient_user.patient.pk,
            {},
        )
        notice = Notice.objects.get()
        assert (notice.recipient_id, notice.kind, notice.params) == (cast.admin.pk, "support_message", {})

    @pytest.mark.parametrize(
        ("subject", "body"), [("", "x"), ("x", ""), (" \u200b", "x"), ("x" * 121, "x"), ("x", "y" * 4001)]
    )
    def test_empty_or_too_long(self, cast, subject, body):
        with pytest.raises(errors.EmptyMessage):
            services.send_message(actor=cast.nurse, subject=subject, body=body)
        assert not SupportMessage.objects.exists()

    def test_not_more_than_ten_wait(self, cast):
        for _index in range(services.OPEN_LIMIT):
            services.send_message(actor=cast.nurse, subject="a", body="b")
        with pytest.raises(errors.TooManyMessages):
            services.send_message(actor=cast.nurse, subject="a", body="b")
        assert SupportMessage.objects.count() == services.OPEN_LIMIT

    def test_read_once(self, cast):
        message = SupportMessageFactory()
        for _index in range(2):
            services.mark_read(message_id=message.pk, actor=cast.admin)
        assert SupportMessage.objects.get().read_by_id == cast.admin.pk
        assert events("read").count() == 1

    @pytest.mark.parametrize(("who", "name"), [("patient_user", "portal-message-detail"), ("nurse", "message-detail")])
    def test_the_answer_reaches_the_sender(self, cast, client_for, who, name):
        sender = getattr(cast, who)
        message = SupportMessageFactory(sender=sender)
        services.answer_message(message_id=message.pk, actor=cast.admin, answer="Sudah diperbaiki.")
        notice = Notice.objects.get(recipient=sender)
        assert (notice.kind, notice.path) == ("support_reply", reverse(f"support:{name}", args=[message.pk]))
        assert "Sudah diperbaiki." in client_for(sender).get(notice.path).content.decode()
        assert events("answered").count() == 1

    def test_the_first_answer_stands(self, cast):
        message = SupportMessageFactory()
        services.answer_message(message_id=message.pk, actor=cast.admin, answer="Pertama")
        with pytest.raises(errors.AlreadyAnswered):
            services.answer_message(message_id=message.pk, actor=cast.admin, answer="Kedua")
        assert SupportMessage.objects.get().answer == "Pertama"


@pytest.mark.django_db
class TestScreens:
    def test_tabs(self, cast, client_for):
        new, answered = SupportMessageFactory(), SupportMessageFactory(status="answered", answer="Ya")
        client = client_for(cast.admin)

        def shown(query: str) -> list:
            return [message.pk for message in client.get(reverse("support:inbox") + query).context["page"]]

        assert shown("") == shown("?status=new") == [new.pk]
        assert shown("?status=answered") == [answered.pk]
        assert shown("?status=all") == shown("?status=<x>") == [answered.pk, new.pk]

    @pytest.mark.parametrize(
        "text", ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "{{ 7|add:7 }}", "🙏" * 50]
    )
    def test_hostile_text_stays_text(self, cast, client_for, text):
        client = client_for(cast.patient_user)
        url = reverse("support:portal-message-list")
        assert client.post(url, {"subject": text[:120], "body": text}).status_code == 302
        message = SupportMessage.objects.get()
        assert message.body == text
        for page in (client.get(url), client_for(cast.admin).get(reverse("support:inbox-message", args=[message.pk]))):
            assert b"<script>alert" not in page.content
            assert b"<img src=x" not in page.content

    def test_forged_fields_are_ignored(self, cast, client_for):
        data = {"subject": "a", "body": "b", "sender": str(cast.admin.pk), "status": "answered", "answer": "Ya"}
        client_for(cast.patient_user).post(reverse("support:portal-message-list"), data)
        message = SupportMessage.objects.get()
        assert (message.sender_id, message.status, message.answer) == (cast.patient_user.pk, "new", "")

    def test_what_was_typed_stays(self, cast, client_for):
        message, client = SupportMessageFactory(), client_for(cast.admin)
        services.answer_message(message_id=message.pk, actor=cast.admin, answer="Pertama")
        answer = client.post(reverse("support:message-answer", args=[message.pk]), {"answer": "Punya saya"})
        assert answer.status_code == 409
        assert "Punya saya" in answer.content.decode()

    def test_queries_do_not_grow(self, cast, client_for, django_assert_max_num_queries):
        client = client_for(cast.admin)
        counts = []
        for rows in (3, 27):
            SupportMessageFactory.create_batch(rows)
            with django_assert_max_num_queries(6) as queries:
                client.get(reverse("support:inbox"))
            counts.append(len(queries))
        assert counts[0] == counts[1]
