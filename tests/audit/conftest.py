from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.db import connection, transaction

import audit
from audit import sealing, triggers
from audit.verifying import Check


@pytest.fixture(autouse=True)
def audit_files(settings, tmp_path):
    """Anchors and archives of each test in a directory of its own."""
    settings.AUDIT_ANCHOR_FILE = tmp_path / "anchors" / "anchors.log"
    settings.AUDIT_ARCHIVE_DIR = tmp_path / "archive"
    return SimpleNamespace(anchors=settings.AUDIT_ANCHOR_FILE, archive=settings.AUDIT_ARCHIVE_DIR)


@pytest.fixture
def log(transactional_db, audit_files):
    """A log whose rows are committed, with ways to write, seal, check and tamper."""

    def write(count=1, action="tests.thing.done", actor=None):
        ids = []
        for number in range(count):
            with transaction.atomic():
                ids.append(audit.record(action, actor=actor, detail={"n": number}).pk)
        return ids

    def check(**options):
        options.setdefault("anchor_files", [audit_files.anchors] if audit_files.anchors.exists() else [])
        return Check(archive_dirs=[audit_files.archive], **options).run()

    @contextmanager
    def unguarded():
        """A database administrator at work: the triggers are away."""
        triggers.drop()
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                yield cursor
        finally:
            triggers.install()

    return SimpleNamespace(
        write=write,
        check=check,
        unguarded=unguarded,
        seal=lambda **options: sealing.seal_all(**options),
        files=audit_files,
    )
