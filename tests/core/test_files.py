"""Stored files: sealed at rest in each storage, gone when removed, swept when left over, served safely."""

from __future__ import annotations

import base64
import logging
import os
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import transaction

from core import checks, clock, files
from core.encryption import key_ring
from core.models import StoredFile

CANARY = b"Siti Aminah Rahayu 2171014507850002 " * 40


def as_local(settings, tmp_path):
    settings.FILES_DIR = tmp_path / "files"
    options = {"location": settings.FILES_DIR}
    settings.STORAGES = {
        **settings.STORAGES,
        "files": {"BACKEND": "core.files_local.LocalFiles", "OPTIONS": options},
    }


@pytest.fixture(scope="module")
def s3_server():
    """A server that speaks S3, on loopback."""
    moto_server = pytest.importorskip("moto.server", reason="moto (group e2e) is not installed")
    pytest.importorskip("storages", reason="the packages of requirements-s3.lock are not installed")
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # its log of requests is not ours
    yield f"http://{host}:{port}"
    server.stop()


def as_s3(settings, url, bucket="emr-files"):
    import boto3

    options = {"endpoint_url": url, "region_name": "ap-southeast-3"}
    boto3.client("s3", aws_access_key_id="test", aws_secret_access_key="test", **options).create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ap-southeast-3"}
    )
    settings.STORAGES = {
        **settings.STORAGES,
        "files": {
            "BACKEND": "core.files_s3.S3Files",
            "OPTIONS": {
                **options,
                "bucket_name": bucket,
                "access_key": "test",
                "secret_key": "test",
                "addressing": "path",
            },
        },
    }


@pytest.fixture(params=["local", "s3"])
def storage(request, settings, tmp_path):
    """Each storage of the product, empty."""
    if request.param == "local":
        as_local(settings, tmp_path)
    else:
        as_s3(settings, request.getfixturevalue("s3_server"), bucket=f"emr-{os.urandom(4).hex()}")
    return storages["files"]


def names(storage):
    return sorted(name for name, _changed in storage.blobs())


def blob_of(storage, stored):
    with storage.open(stored.name, "rb") as blob:
        return blob.read()


# --- in every storage


@pytest.mark.django_db
def test_what_was_stored_comes_back(storage):
    stored = files.store(CANARY, content_type="text/plain")
    again = StoredFile.objects.get(pk=stored.pk)
    assert files.read(again) == CANARY
    assert (again.size, again.content_type) == (len(CANARY), "text/plain")


@pytest.mark.django_db
@pytest.mark.parametrize("data", [b"", b"x", os.urandom(300_000)], ids=["empty", "one byte", "300 kB"])
def test_any_length_comes_back(storage, data):
    assert files.read(files.store(data, content_type="application/octet-stream")) == data


@pytest.mark.django_db
def test_nothing_readable_lies_in_the_storage(storage):
    stored = files.store(CANARY, content_type="text/plain")
    blob = blob_of(storage, stored)
    assert blob.startswith(files.START)
    assert b"Siti" not in blob
    assert b"2171014507850002" not in blob
    assert "Siti" not in stored.name
    assert len(blob) == len(CANARY) + len(files.START) + 12 + 16


@pytest.mark.django_db
def test_the_name_is_random_and_has_no_ending(storage):
    first, second = (files.store(CANARY, content_type="image/png") for _ in range(2))
    assert first.name != second.name
    assert files._OURS.fullmatch(first.name)
    assert names(storage) == sorted([first.name, second.name])


@pytest.mark.django_db
def test_the_same_bytes_are_never_sealed_alike_but_have_one_digest(storage):
    first, second = (files.store(CANARY, content_type="image/png") for _ in range(2))
    assert blob_of(storage, first)[20:] != blob_of(storage, second)[20:]
    assert first.digest == second.digest == files.digest_of(CANARY)
    assert first.file_key != second.file_key


@pytest.mark.django_db
def test_a_changed_blob_is_refused(storage, caplog):
    stored = files.store(CANARY, content_type="text/plain")
    blob = bytearray(blob_of(storage, stored))
    blob[len(blob) // 2] ^= 1
    storage.delete(stored.name)
    storage.save(stored.name, ContentFile(bytes(blob)))
    with pytest.raises(files.FileUnreadable, match="missing or damaged"):
        files.read(stored)
    assert str(stored.pk) in caplog.text
    assert stored.name not in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("blob", [b"", b"EMRF1", b"EMRF1" + b"0" * 12, b"plain text that nobody sealed", b"EMRF2" * 20])
def test_what_was_not_sealed_here_is_refused(storage, blob):
    stored = files.store(CANARY, content_type="text/plain")
    storage.delete(stored.name)
    storage.save(stored.name, ContentFile(blob))
    with pytest.raises(files.FileUnreadable):
        files.read(stored)


@pytest.mark.django_db
def test_a_blob_put_in_anothers_place_is_refused(storage):
    mine, theirs = (files.store(data, content_type="text/plain") for data in (b"mine", b"theirs"))
    theirs.name = mine.name
    with pytest.raises(files.FileUnreadable):
        files.read(theirs)
    theirs.file_key = mine.file_key  # also with the key: the id of the row is sealed in
    with pytest.raises(files.FileUnreadable):
        files.read(theirs)


@pytest.mark.django_db
def test_a_blob_that_is_gone_is_said_to_be(storage):
    stored = files.store(CANARY, content_type="text/plain")
    storage.delete(stored.name)
    with pytest.raises(files.FileUnreadable):
        files.read(stored)


@pytest.mark.django_db
def test_removing_takes_row_and_blob(storage, django_capture_on_commit_callbacks):
    stored, other = (files.store(CANARY, content_type="text/plain") for _ in range(2))
    with django_capture_on_commit_callbacks(execute=True):
        files.remove(stored)
        assert stored.name in names(storage), "not before the commit"
    assert not StoredFile.objects.filter(pk=stored.pk).exists()
    assert names(storage) == [other.name]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_removal_changes_nothing(storage):
    stored = files.store(CANARY, content_type="text/plain")
    with transaction.atomic():
        files.remove(stored)
        transaction.set_rollback(True)
    assert files.read(StoredFile.objects.get(pk=stored.pk)) == CANARY


@pytest.mark.django_db(transaction=True)
def test_a_file_whose_transaction_failed_is_kept_by_the_next_try(storage):
    stored = files.put(CANARY, content_type="text/plain")
    with transaction.atomic():
        files.keep(stored)
        transaction.set_rollback(True)
    assert not StoredFile.objects.exists()
    with transaction.atomic():
        files.keep(stored)
    assert files.read(StoredFile.objects.get()) == CANARY


@pytest.mark.django_db
def test_the_sweep_takes_old_blobs_without_a_row_only(storage):
    kept = files.store(b"kept", content_type="text/plain")
    files.put(b"never kept", content_type="text/plain")
    storage.save("readme.txt", ContentFile(b"somebody else's"))
    before = names(storage)
    assert files.sweep_orphans(older_than=timedelta(days=1)) == files.Swept(kept=1, removed=0, missing=0)
    assert names(storage) == before
    swept = files.sweep_orphans(older_than=timedelta(days=-400 * 10))  # storages know the real time only
    assert swept.removed == 1
    assert names(storage) == sorted([kept.name, "readme.txt"])
    assert files.read(kept) == b"kept"


@pytest.mark.django_db
def test_the_sweep_counts_rows_without_content(storage, caplog):
    stored = files.store(CANARY, content_type="text/plain")
    files.store(CANARY, content_type="text/plain")
    StoredFile.objects.update(created_at=clock.now() - timedelta(days=3))
    storage.delete(stored.name)
    assert files.sweep_orphans() == files.Swept(kept=1, removed=0, missing=1)
    assert "1 stored files have no content" in caplog.text


@pytest.mark.django_db
def test_the_sweep_leaves_the_storage_of_another_database_alone(storage, monkeypatch):
    monkeypatch.setattr(files, "MOST_ORPHANS", 3)
    for _ in range(4):
        files.put(b"of another database", content_type="text/plain")
    with pytest.raises(files.WrongStorage, match="Nothing was deleted"):
        files.sweep_orphans(older_than=timedelta(days=-400 * 10))
    assert len(names(storage)) == 4


@pytest.mark.django_db
def test_a_few_leftovers_among_many_files_are_swept(settings, monkeypatch):
    """500 files at a time: more than one batch, with leftovers in each."""
    monkeypatch.setattr(files, "BATCH", 7)
    for number in range(30):
        stored = files.put(b"x", content_type="text/plain")
        if number % 10:
            files.keep(stored)
    mine = StoredFile.objects.count()
    assert mine == 27
    monkeypatch.setattr(files, "MOST_ORPHANS", 10_000)  # the memory of the tests holds what other tests left
    assert files.sweep_orphans(older_than=timedelta(days=-400 * 10)).kept == 27
    assert len(names(storages["files"])) == 27


def test_no_storage_has_addresses(storage):
    with pytest.raises(ValueError, match="no address"):
        storage.url("aa/bb/" + "c" * 40)


@pytest.mark.django_db
def test_too_much_for_one_file_is_refused(monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    with pytest.raises(files.FileTooBig):
        files.put(b"x" * 11, content_type="text/plain")
    assert not StoredFile.objects.exists()


@pytest.mark.django_db
def test_removing_outside_a_transaction_is_a_fault_of_the_program(monkeypatch):
    stored = files.store(b"x", content_type="text/plain")
    monkeypatch.setattr(files, "connection", SimpleNamespace(in_atomic_block=False))
    with pytest.raises(RuntimeError, match="transaction"):
        files.remove(stored)


# --- keys


@pytest.mark.django_db
def test_the_key_of_a_file_is_encrypted_in_its_column():
    from django.db import connection

    stored = files.store(CANARY, content_type="text/plain")
    with connection.cursor() as cursor:
        cursor.execute("SELECT file_key FROM core_storedfile")
        (raw,) = cursor.fetchone()
    assert raw.startswith(f"a1:{key_ring().newest_id}:")
    assert stored.file_key not in raw
    assert len(base64.urlsafe_b64decode(stored.file_key)) == 32


@pytest.mark.django_db
def test_changing_the_data_key_leaves_the_blob_alone(settings, tmp_path):
    from core import keys
    from core.keys_rotation import rotate_batch

    as_local(settings, tmp_path)
    stored = files.store(CANARY, content_type="text/plain")
    before = (settings.FILES_DIR / stored.name).read_bytes()
    old = settings.FIELD_ENCRYPTION_KEY
    settings.FIELD_ENCRYPTION_KEY = (keys.new_key(), *old)
    assert rotate_batch(StoredFile, key_ring(), "aes256gcm", after=None, batch_size=10)[1] == 1
    settings.FIELD_ENCRYPTION_KEY = settings.FIELD_ENCRYPTION_KEY[:1]
    assert files.read(StoredFile.objects.get()) == CANARY
    assert (settings.FILES_DIR / stored.name).read_bytes() == before


# --- the directory


@pytest.mark.django_db
def test_the_directory_is_closed_to_other_accounts(settings, tmp_path):
    as_local(settings, tmp_path)
    before = os.umask(0)
    try:
        stored = files.store(CANARY, content_type="text/plain")
    finally:
        os.umask(before)
    path = settings.FILES_DIR / stored.name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent, settings.FILES_DIR):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.django_db
def test_a_full_disk_leaves_no_half_file_and_no_row(settings, tmp_path, monkeypatch, caplog):
    as_local(settings, tmp_path)

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.files_local.os.fsync", full)
    with pytest.raises(files.StorageDown, match="could not be kept"):
        files.store(CANARY, content_type="text/plain")
    assert [path for path in settings.FILES_DIR.rglob("*") if path.is_file()] == []
    assert not StoredFile.objects.exists()
    assert "takes nothing (OSError)" in caplog.text


@pytest.mark.django_db
def test_the_sweep_takes_what_a_kill_left_half_written(settings, tmp_path):
    as_local(settings, tmp_path)
    files.store(CANARY, content_type="text/plain")
    half = settings.FILES_DIR / "ab" / "cd" / f".{'e' * 40}.new"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    long_ago = clock.now().timestamp() - 3 * 86400
    os.utime(half, (long_ago, long_ago))
    assert files.sweep_orphans().removed == 1
    assert not half.exists()


@pytest.mark.django_db
def test_a_blob_that_cannot_be_deleted_is_no_fault_and_is_swept(
    settings, tmp_path, monkeypatch, caplog, django_capture_on_commit_callbacks
):
    as_local(settings, tmp_path)
    stored = files.store(CANARY, content_type="text/plain")

    def refuse(*_arguments):
        raise PermissionError(13, "Permission denied", stored.name)

    with monkeypatch.context() as broken:
        broken.setattr(type(storages["files"]), "delete", refuse)
        with django_capture_on_commit_callbacks(execute=True), caplog.at_level(logging.WARNING):
            files.remove(stored)
    assert "stays until the next sweep (PermissionError)" in caplog.text
    assert stored.name not in caplog.text
    assert (settings.FILES_DIR / stored.name).exists()
    assert files.sweep_orphans(older_than=timedelta(days=-400 * 10)).removed == 1
    assert not (settings.FILES_DIR / stored.name).exists()


@pytest.mark.parametrize("name", ["../outside", "aa/../../outside", "/etc/passwd"])
def test_the_directory_is_never_left(settings, tmp_path, name):
    from django.core.exceptions import SuspiciousFileOperation

    as_local(settings, tmp_path)
    with pytest.raises(SuspiciousFileOperation):
        storages["files"].open(name)


# --- S3


@pytest.mark.django_db
def test_s3_that_does_not_answer_is_a_sentence(settings, s3_server, monkeypatch, caplog):
    as_s3(settings, s3_server, bucket="emr-down")
    stored = files.store(CANARY, content_type="text/plain")
    settings.STORAGES["files"]["OPTIONS"]["endpoint_url"] = "http://127.0.0.1:9"  # nobody listens there
    settings.STORAGES = {**settings.STORAGES}
    with pytest.raises(files.StorageDown):
        files.read(stored)
    with pytest.raises(files.StorageDown):
        files.store(CANARY, content_type="text/plain")
    assert stored.name not in caplog.text


@pytest.mark.django_db
def test_s3_with_a_wrong_bucket_is_a_sentence(settings, s3_server):
    as_s3(settings, s3_server, bucket="emr-there")
    settings.STORAGES["files"]["OPTIONS"]["bucket_name"] = "emr-not-there"
    settings.STORAGES = {**settings.STORAGES}
    with pytest.raises(files.StorageDown):
        files.store(CANARY, content_type="text/plain")


def test_the_client_of_s3_gives_up_in_time(settings, s3_server):
    as_s3(settings, s3_server, bucket="emr-times")
    config = storages["files"].client_config
    assert (config.connect_timeout, config.read_timeout) == (5, 30)
    assert config.s3["addressing_style"] == "path"


# --- serving


@pytest.fixture
def served(db):
    """Return what a view would answer for some bytes of a type."""

    def make(content_type, *, filename="hasil lab.pdf", inline=False, data=b"content"):
        return files.serve(files.store(data, content_type=content_type), filename=filename, inline=inline)

    return make


def test_an_answer_is_never_stored_and_never_guessed_at(served):
    response = served("application/pdf")
    assert response.content == b"content"
    assert response["Content-Type"] == "application/pdf"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"]
    assert response["Content-Disposition"] == 'attachment; filename="hasil lab.pdf"'
    assert "sandbox" in response["Content-Security-Policy"]


def test_a_picture_is_shown_inside_a_sandbox(served):
    response = served("image/jpeg", filename="foto.jpg", inline=True)
    assert response["Content-Disposition"] == 'inline; filename="foto.jpg"'
    assert "sandbox" in response["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]


def test_a_pdf_is_shown_in_a_frame_of_our_own_only(served):
    response = served("application/pdf", inline=True)
    assert "frame-ancestors 'self'" in response["Content-Security-Policy"]
    assert "script-src" not in response["Content-Security-Policy"]  # default-src 'none' forbids it
    assert response["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "text/csv", "application/xhtml+xml"])
def test_other_types_are_downloads_whatever_is_asked_for(served, content_type):
    assert served(content_type, filename="x.html", inline=True)["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("sent", "header"),
    [
        ('a"b.pdf', 'attachment; filename="a_b.pdf"'),
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        ("..\\..\\boot.ini", 'attachment; filename="boot.ini"'),
        ("a\r\nSet-Cookie: x=1.pdf", 'attachment; filename="a Set-Cookie_ x=1.pdf"'),
        ("hasil \u202efdp.exe", 'attachment; filename="hasil fdp.exe"'),
        ("résumé é.pdf", "attachment; filename*=utf-8''r%C3%A9sum%C3%A9%20%C3%A9.pdf"),
        ("", 'attachment; filename="file"'),
        (".", 'attachment; filename="file"'),
        ("\x00", 'attachment; filename="file"'),
    ],
)
def test_hostile_names_stay_inside_the_header(served, sent, header):
    assert served("application/pdf", filename=sent)["Content-Disposition"] == header


def test_a_long_name_keeps_its_ending(served):
    name = served("application/pdf", filename="a" * 500 + ".pdf")["Content-Disposition"]
    assert name == f'attachment; filename="{"a" * 116}.pdf"'


def test_the_policy_of_pages_does_not_take_the_place_of_the_files_own(served, rf):
    from csp.middleware import CSPMiddleware
    from django.middleware.clickjacking import XFrameOptionsMiddleware

    response = served("application/pdf", inline=True)
    policy = response["Content-Security-Policy"]
    answer = XFrameOptionsMiddleware(CSPMiddleware(lambda _request: response))(rf.get("/"))
    assert answer["Content-Security-Policy"] == policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


# --- settings


def test_s3_without_its_packages_is_said(settings, monkeypatch):
    settings.FILE_STORAGE = "s3"
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    (found,) = checks.check_file_storage(None)
    assert (found.id, "requirements-s3.lock" in found.hint) == ("core.C120", True)


def test_a_directory_among_the_static_files_is_refused(settings):
    settings.FILES_DIR = Path(settings.STATIC_ROOT) / "files"
    (found,) = checks.check_file_storage(None)
    assert found.id == "core.C121"


def test_an_open_directory_is_warned_about(settings, tmp_path):
    settings.FILES_DIR = tmp_path
    tmp_path.chmod(0o755)
    (found,) = checks.check_files_dir(None)
    assert found.id == "core.W122"
    tmp_path.chmod(0o700)
    assert checks.check_files_dir(None) == []


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"FILE_STORAGE": "s3"}, "S3_BUCKET must name the bucket"),
        ({"FILE_STORAGE": "s3", "S3_BUCKET": "emr", "S3_ACCESS_KEY_ID": "a"}, "belong together"),
        ({"FILE_STORAGE": "nfs"}, "FILE_STORAGE must be one of local, s3"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(variables, sentence):
    environ = {**os.environ, **variables, "DJANGO_SETTINGS_MODULE": "emr.settings.test"}
    started = subprocess.run(
        [sys.executable, "-c", "import emr.settings.test"], env=environ, capture_output=True, text=True
    )
    assert started.returncode != 0
    assert sentence in started.stderr
