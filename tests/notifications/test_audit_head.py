from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

import audit
from audit import anchors, sealing
from notifications.models import Email
from notifications.tasks import mail_audit_head
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _anchors(settings, tmp_path):
    settings.AUDIT_ANCHOR_FILE = tmp_path / "anchors.log"


def act():
    with transaction.atomic():
        audit.record("tests.thing.done", actor=None)
    sealing.seal_all()


def test_only_active_owners_get_the_seal_once_a_day(cast):
    UserFactory(username="gone", email="gone@klinik.example", is_active=False, roles=["owner"])
    assert cast.owner
    assert cast.admin
    assert cast.patient_user
    act()
    assert mail_audit_head()
    assert not mail_audit_head()
    mail = Email.objects.get(template="audit_head")
    assert mail.recipient_user_id == cast.owner.pk
    line = anchors.line_of(sealing.head())
    assert line in mail.body_text
    assert line in mail.body_html
    assert anchors.parse(line).is_genuine
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        act()
        assert mail_audit_head()
    assert Email.objects.filter(template="audit_head").count() == 2


def test_nothing_before_six_and_nothing_of_an_empty_log(cast):
    assert cast.owner
    with time_machine.travel(timezone.now().replace(hour=22, minute=55)):  # 05.55 WIB
        assert not mail_audit_head()
    assert mail_audit_head()
    assert not Email.objects.exists()
