"""Stored files in an S3-compatible storage. Needs the packages of requirements-s3.lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile
from django.utils.deconstruct import deconstructible
from storages.backends.s3 import S3Storage

CONNECT_SECONDS, READ_SECONDS, TRIES = 5, 30, 3
GONE = {"404", "NoSuchKey", "NotFound"}


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Turn what the client raises into what a disk would raise. Its texts may hold names, so they are left out."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        raise FileNotFoundError(code) if code in GONE else OSError(code) from None
    except (BotoCoreError, Boto3Error) as error:
        raise OSError(type(error).__name__) from None


@deconstructible(path="core.files_s3.S3Files")
class S3Files(S3Storage):
    """django-storages' S3 with time limits, one request for each file, and the errors of a disk.

    Objects get no ACL: they are private because the bucket is, and buckets made today refuse ACLs.
    """

    def __init__(self, *, addressing: str = "auto", **options: Any) -> None:
        super().__init__(
            **{name: value for name, value in options.items() if value},
            default_acl=None,
            file_overwrite=True,  # names are random; asking first would cost a request
            querystring_auth=False,
            client_config=Config(
                s3={"addressing_style": addressing},
                signature_version="s3v4",
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": TRIES},
                request_checksum_calculation="when_required",  # S3 of other makers does not know the newer ones
                response_checksum_validation="when_required",
            ),
        )

    def blobs(self) -> Iterator[tuple[str, datetime]]:
        """Yield name and time of the last change of every object, a thousand with each request."""
        with _as_os_error():
            for entry in self.bucket.objects.all():
                yield entry.key, entry.last_modified

    def url(self, name: str, *args: Any, **kwargs: Any) -> str:
        raise ValueError("Stored files have no address; a view that checks a right serves them.")

    def delete(self, name: str) -> None:
        with _as_os_error():
            super().delete(name)

    def _save(self, name: str, content: Any) -> str:
        with _as_os_error():
            self.bucket.Object(name).put(Body=content.read(), ContentType=self.default_content_type)
        return name

    def _open(self, name: str, mode: str = "rb") -> ContentFile[bytes]:
        with _as_os_error():
            return ContentFile(self.bucket.Object(name).get()["Body"].read(), name)
