from __future__ import annotations

import socket

import pytest
from aiosmtpd.controller import Controller

from notifications.models import Email
from notifications.services import queue_email


class Sink:
    """A mail server on this machine: keeps what it took, and answers as the test wants."""

    def __init__(self):
        self.mails = []
        self.refuse_recipient = ""
        self.refuse_data = ""
        self.drop_after_data = False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.refuse_data:
            return self.refuse_data
        self.mails.append((list(envelope.rcpt_tos), envelope.content))
        if self.drop_after_data:
            server.transport.close()
        return "250 taken"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def smtp_settings(settings):
    """Mails go by SMTP to a port of this machine where nobody listens yet."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", free_port(), False
    settings.EMAIL_TIMEOUT = 5
    return settings


@pytest.fixture
def start_sink(smtp_settings):
    """Return a function that starts the mail server."""
    controllers = []

    def start() -> Sink:
        sink = Sink()
        controller = Controller(sink, hostname="127.0.0.1", port=smtp_settings.EMAIL_PORT)
        controller.start()
        controllers.append(controller)
        return sink

    yield start
    for controller in controllers:
        controller.stop()


@pytest.fixture
def sink(start_sink) -> Sink:
    return start_sink()


@pytest.fixture
def order():
    """Return a function that puts one mail into the outbox."""

    def make(*, key="mail:1", to="siti@surat.example", language="en", name="Siti Aminah", **kwargs) -> Email:
        return queue_email(
            template="account_activated",
            to=to,
            language=language,
            context={"name": name, "record_number": "000042"},
            dedupe_key=key,
            **kwargs,
        )

    return make
