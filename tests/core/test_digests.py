"""Keyed digests stand in databases and cookies: with the same keys they must come out the same in every version."""

from __future__ import annotations

from uuid import UUID

import pytest

from accounts import binding, lockout
from accounts.models import User
from accounts.models.factors import backup_digest
from accounts.services.links import digest_of
from audit.models import AuditEvent
from core.digests import keyed_digest
from patients.services import record_search

SOMEBODY = User(pk=UUID("0192f0c1-0000-7000-8000-00000000000a"))
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:138.0) Gecko/20100101 Firefox/138.0"


@pytest.mark.parametrize(
    "made, expected",
    [
        (lambda: binding.person_mark(SOMEBODY), "edc85a0d4b04c596"),
        (lambda: binding._digest("token", FIREFOX), "63c18a191b0e0977aa62a75c0ec50d3254b7436dfb09024ff6601d4b9a956ae6"),
        (
            lambda: binding._digest("token\udc80", "curl/8"),
            "4d494befef3c0f55beb5120970f8f3425af83d83d5a10a3e45c9b04c30ac40f2",
        ),
        (lambda: lockout.name_digest(SOMEBODY), "6e6cd2fe0f7040f16318057d27b8df28"),
        (lambda: lockout.name_digest(None, " Siti\ud83d "), "ed60ddb5f0a9c3dc935c4b5d4b02b1fc"),
        (lambda: lockout._entry_mac("account", "nonce"), "384226113f3390d763fdeac17df90fc0"),
        (lambda: digest_of("secret of a link"), "399284c0346d076aeb357ad91fd67c7576592f69d671dc3e949f62b6f7fbd11f"),
        (
            lambda: backup_digest("abcd-efgh-ijkl-mnop"),
            "83eee921a6e8ae043c654769aeb2382ba39579743a92c7fb131e465ec546c1b0",
        ),
    ],
    ids=["person", "binding", "odd token", "account", "typed name", "known browser", "link", "backup code"],
)
def test_known_outputs(made, expected):
    assert made() == expected


def test_what_was_sought_keeps_its_digest(cast):
    record_search(actor=cast.receptionist, query=" Siti   AMINAH ", hits=1)
    detail = AuditEvent.objects.get(action="patients.patient.searched").detail
    assert detail["query"] == "ac7c0f5b1bdb4bcb"


def test_each_purpose_and_each_key_gives_its_own():
    made = {keyed_digest(secret, info, "x") for secret in (b"a" * 32, b"b" * 32) for info in ("one/v1", "two/v1")}
    assert len(made) == 4
    assert keyed_digest(b"a" * 32, "one/v1", b"x") in made
