"""Encrypted columns: django-encrypted-model-fields behind a strict layer.

A value is stored as `a1:<key id>:<base64 of nonce + AES-256-GCM ciphertext>`; table, column and key id are
authenticated with it, so a value copied into another column does not open. Fernet tokens of the package are read as
well, and written when `FIELD_CIPHER` says so. What each layer protects against, and why:
docs/adr/0003-column-encryption.md.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps as django_apps
from django.conf import settings
from django.core import checks, validators
from django.core.exceptions import FieldError, ValidationError
from django.db import models
from django.db.models.expressions import Case, Expression, Value, When
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from encrypted_model_fields import fields as emf

from core import keys

ENVELOPE = "a1"
AES = "aes256gcm"
FERNET = "fernet"
FERNET_START = "gAAAA"  # version byte 0x80 and the high bytes of a 64-bit time, in base64
NONCE_BYTES = 12  # NIST SP 800-38D: 96-bit nonces


class DecryptionError(Exception):
    """A stored value does not open: wrong or missing key, changed bytes, or a value from another column."""


class SealedText(str):
    """Ciphertext that is written as it is. Only key rotation makes these; each is opened before it is kept."""


class KeyRing:
    """The data keys of the process, newest first, ready for both ciphers."""

    def __init__(self, data_keys: Sequence[str]) -> None:
        if not data_keys:
            raise keys.KeysError("There is no data key.")
        self.ids = [keys.key_id(key) for key in data_keys]
        # The column cipher does not use the Fernet key itself: one key, one algorithm.
        self._aes = {
            name: AESGCM(keys.derive(keys.decode(key), "field/aes256gcm/v1"))
            for name, key in zip(self.ids, data_keys, strict=True)
        }
        self._fernet = [Fernet(key) for key in data_keys]

    @property
    def newest_id(self) -> str:
        """Public id of the key that new values are written under."""
        return self.ids[0]

    def seal(self, text: str, context: str, *, cipher: str) -> str:
        """Return `text` encrypted for one column (`context` is "table.column") under the newest key."""
        data = text.encode("utf-8")
        if cipher == FERNET:
            return self._fernet[0].encrypt(data).decode("ascii")
        if cipher != AES:
            raise ValueError(f"unknown cipher {cipher!r}")
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._aes[self.newest_id].encrypt(nonce, data, _associated(context, self.newest_id))
        return f"{ENVELOPE}:{self.newest_id}:{base64.b64encode(nonce + sealed).decode('ascii')}"

    def open(self, stored: str, context: str) -> str:
        """Return the clear text of a stored value.

        Raises:
            DecryptionError: it opens under no key of the ring. Neither clear nor sealed text is in the message.
        """
        if stored.startswith(ENVELOPE + ":"):
            return self._open_envelope(stored, context)
        if stored.startswith(FERNET_START):
            return self._open_fernet(stored, context)
        raise DecryptionError(f"{context} holds a value that is not encrypted.")

    def is_current(self, stored: str, *, cipher: str) -> bool:
        """True when `stored` is in the wanted cipher and under the newest key, so rotation may pass it by."""
        if cipher == AES:
            return stored.startswith(f"{ENVELOPE}:{self.newest_id}:")
        try:
            self._fernet[0].decrypt(stored.encode("utf-8"))
        except InvalidToken:
            return False
        return True

    def _open_envelope(self, stored: str, context: str) -> str:
        _version, _colon, rest = stored.partition(":")
        name, _colon, body = rest.partition(":")
        cipher = self._aes.get(name)
        if cipher is None:
            shown = name if len(name) == 8 and name.isalnum() else "?"
            raise DecryptionError(f"{context} holds a value under data key {shown}, which this process does not have.")
        try:
            raw = base64.b64decode(body, validate=True)
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _associated(context, name)).decode("utf-8")
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise DecryptionError(
                f"{context} holds a value that was changed, or that belongs to another column."
            ) from error

    def _open_fernet(self, stored: str, context: str) -> str:
        token = stored.encode("utf-8")
        for cipher in self._fernet:
            try:
                return cipher.decrypt(token).decode("utf-8")
            except InvalidToken:
                continue
        raise DecryptionError(f"{context} holds a Fernet value that none of the data keys opens.")


def _associated(context: str, name: str) -> bytes:
    return f"{ENVELOPE}|{name}|{context}".encode()


@lru_cache(maxsize=32)
def _ring_of(data_keys: tuple[str, ...]) -> KeyRing:
    return KeyRing(data_keys)


def key_ring() -> KeyRing:
    """Return the key ring of the current settings."""
    return _ring_of(tuple(settings.FIELD_ENCRYPTION_KEY))


def cipher_name() -> str:
    """Return the cipher that new values are written with: "aes256gcm" or "fernet"."""
    return settings.FIELD_CIPHER


# What an attribute takes and what it gives: Django's mypy plugin fills these in, from `_pyi_private_set_type` and
# `_pyi_private_get_type` and from `null`. The package has no types, so the checker takes them from here.
_Set = TypeVar("_Set", contravariant=True)
_Get = TypeVar("_Get", covariant=True)

if TYPE_CHECKING:

    class _TypedField(models.Field[_Set, _Get]):
        """To the checker, every encrypted field is a Django field."""
else:

    class _TypedField:
        """In the running program, the field of the package brings Django's field along.

        Not `typing.Generic`: Django copies a field by giving an empty object its class, which `Generic` forbids.
        """

        def __class_getitem__(cls, _types: Any) -> type:
            return cls


class StrictEncryption(_TypedField[_Set, _Get]):
    """Stands in front of an encrypted field of the package and closes its traps.

    Only `isnull` can be asked of the column. Values are opened only when they come from the database, never when they
    come from a form. A value that does not open raises; nothing but ciphertext or NULL can be written.

    `context` pins the name that values were sealed under ("table.column") when a table or column was renamed later.
    """

    description = _("Encrypted text")

    def __init__(self, *args: Any, context: str | None = None, **kwargs: Any) -> None:
        self.context = context
        super().__init__(*args, **kwargs)

    # --- definition

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        # The package leaves max_length out: the column is text whatever the limit, so changing it needs no migration.
        name, path, args, kwargs = super().deconstruct()
        if self.context is not None:
            kwargs["context"] = self.context
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        return [*super().check(**kwargs), *self._check_strict()]

    def _check_strict(self) -> list[checks.CheckMessage]:
        found: list[checks.CheckMessage] = []
        for option in ("primary_key", "unique", "db_index", "unique_for_date", "unique_for_month", "unique_for_year"):
            if getattr(self, option, None):
                found.append(
                    checks.Error(
                        f"An encrypted column cannot have {option}: equal values are stored differently.",
                        hint="Put a blind index column (core.search.blind.blind_index) beside it.",
                        obj=self,
                        id="core.E101",
                    )
                )
        if self.has_db_default():
            found.append(
                checks.Error(
                    "An encrypted column cannot have db_default: it would be stored in clear.", obj=self, id="core.E102"
                )
            )
        if self.name in _names_the_database_compares(self.model._meta):
            found.append(
                checks.Error(
                    "Ordering, indexes and constraints cannot name an encrypted column: the database sees ciphertext.",
                    obj=self,
                    id="core.E103",
                )
            )
        return found

    # --- asking

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise FieldError(f"{self.name} is encrypted: only isnull can be asked of it. Search by its blind index column.")

    def get_transform(self, lookup_name: str) -> None:
        return None

    # --- reading

    def to_python(self, value: Any) -> Any:
        # Past the package's to_python, which opens whatever a user types: a stolen ciphertext pasted into a form would
        # come back in clear.
        return super(emf.EncryptedMixin, self).to_python(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, bytes):
            value = value.decode("utf-8")
        return self.value_from_text(key_ring().open(value, self.seal_context))

    # --- writing

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, SealedText):
            key_ring().open(value, self.seal_context)
            return str(value)
        if hasattr(value, "as_sql"):
            if self._is_bulk_update(value):
                return value
            raise FieldError(f"{self.name} is encrypted: it can be set to values, not to database expressions.")
        text = self.text_from_value(value)
        limit = self.max_length
        if limit is not None and len(text) > limit:
            raise ValidationError(
                ngettext_lazy(
                    "Shorten this value to %(limit)d letter or less.",
                    "Shorten this value to %(limit)d letters or less.",
                    "limit",
                )
                % {"limit": limit},
                code="max_length",
            )
        try:
            return key_ring().seal(text, self.seal_context, cipher=cipher_name())
        except UnicodeEncodeError as error:  # half a surrogate pair, which JSON can carry
            raise ValidationError(
                _("Remove the characters that are not text from this value."), code="not_text"
            ) from error

    def _is_bulk_update(self, expression: Expression) -> bool:
        """True for the CASE that bulk_update builds: each result is a plain value that comes back here by itself.

        A result of any other shape (a column, a function, a value without this field) would be stored in clear.
        """
        if isinstance(expression, Cast):
            inner = expression.get_source_expressions()
            return len(inner) == 1 and isinstance(inner[0], Case) and self._is_bulk_update(inner[0])
        if not isinstance(expression, Case):
            return False
        return all(isinstance(case, When) and self._seals_itself(case.result) for case in expression.cases) and (
            self._is_null(expression.default) or self._seals_itself(expression.default)
        )

    def _seals_itself(self, result: Expression) -> bool:
        return isinstance(result, Value) and result.for_save and getattr(result, "_output_field_or_none", None) == self

    @staticmethod
    def _is_null(result: Expression) -> bool:
        return isinstance(result, Value) and result.value is None

    # --- text form

    @property
    def seal_context(self) -> str:
        """The name authenticated with each value: "table.column"."""
        if self.context is not None:
            return self.context
        if not hasattr(self, "model"):
            raise FieldError("An encrypted field works only as a column of a model.")
        return f"{self.model._meta.db_table}.{self.column}"

    def text_from_value(self, value: Any) -> str:
        """Return what is encrypted for a Python value; the reverse of `value_from_text`."""
        return str(self.to_python(value))

    def value_from_text(self, text: str) -> Any:
        """Return the Python value of a decrypted text."""
        return self.to_python(text)


def _names_the_database_compares(options: Any) -> set[str]:
    """Field names used by a model's ordering, indexes, constraints and unique_together."""
    names = {str(entry).lstrip("-") for entry in options.ordering if isinstance(entry, str)}
    for index in options.indexes:
        names.update(field.lstrip("-") for field in index.fields)
    for constraint in options.constraints:
        names.update(getattr(constraint, "fields", ()))
    for group in options.unique_together:
        names.update(group)
    return names


class EncryptedCharField(StrictEncryption[_Set, _Get], emf.EncryptedCharField):
    """Encrypted one-line text; `max_length` counts letters of the clear text."""

    if TYPE_CHECKING:
        _pyi_private_set_type: str
        _pyi_private_get_type: str


class EncryptedTextField(StrictEncryption[_Set, _Get], emf.EncryptedTextField):
    """Encrypted long text; `max_length`, when given, counts letters of the clear text."""

    if TYPE_CHECKING:
        _pyi_private_set_type: str
        _pyi_private_get_type: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.max_length is not None:
            self.validators.append(validators.MaxLengthValidator(self.max_length))


class EncryptedEmailField(StrictEncryption[_Set, _Get], emf.EncryptedEmailField):
    """Encrypted e-mail address."""

    if TYPE_CHECKING:
        _pyi_private_set_type: str
        _pyi_private_get_type: str


class EncryptedDateField(StrictEncryption[_Set, _Get], emf.EncryptedDateField):
    """Encrypted calendar date."""

    if TYPE_CHECKING:
        _pyi_private_set_type: date
        _pyi_private_get_type: date

    description = _("Encrypted date")

    def text_from_value(self, value: Any) -> str:
        return self.to_python(value).isoformat()


class EncryptedIntegerField(StrictEncryption[_Set, _Get], emf.EncryptedIntegerField):
    """Encrypted whole number."""

    if TYPE_CHECKING:
        _pyi_private_set_type: int
        _pyi_private_get_type: int

    description = _("Encrypted whole number")


class EncryptedJSONField(StrictEncryption[_Set, _Get], emf.EncryptedMixin, models.JSONField):
    """Encrypted JSON document; None is NULL. The package has none, so its mixin stands before Django's field."""

    if TYPE_CHECKING:
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

    description = _("Encrypted JSON")

    def to_python(self, value: Any) -> Any:
        return value

    def text_from_value(self, value: Any) -> str:
        return json.dumps(value, cls=self.encoder, ensure_ascii=False, separators=(",", ":"))

    def value_from_text(self, text: str) -> Any:
        return json.loads(text, cls=self.decoder)


def encrypted_fields(model: type[models.Model]) -> list[StrictEncryption]:
    """Return the encrypted columns of one model's own table."""
    return [field for field in model._meta.local_concrete_fields if isinstance(field, StrictEncryption)]


def encrypted_models() -> list[type[models.Model]]:
    """Return every model whose own table has encrypted columns, in a stable order."""
    found = [
        model
        for model in django_apps.get_models(include_auto_created=True)
        if not model._meta.proxy and model._meta.managed and encrypted_fields(model)
    ]
    return sorted(found, key=lambda model: model._meta.label)
