"""The product's secrets: where they come from, what they may look like, and the keys derived from them.

No Django in this module: settings call `load` while they are being built, and `python -m core.keys DIR` makes the first
keys of an installation whose settings refuse to start without them.

Each secret is independent of the others and of the database. It is read from, in this order: the variable `<NAME>`, the
file named by `<NAME>_FILE`, the file `<name>` in KEY_DIR. Values are never printed and never part of an error text.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets as random_secrets
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
KEY_TEXT_LENGTH = 44  # urlsafe base64 of 32 bytes, with its one padding sign
DJANGO_SECRET_LENGTH = 50  # what Django's own deployment check asks for
HKDF_SALT = b"emr-batam-sehat"  # fixed for ever: changing it changes every derived key


class KeysError(RuntimeError):
    """The secrets are missing or unusable; the message says which ones and what to do."""


@dataclass(frozen=True)
class Secret:
    """One secret of an installation: its environment variable, its file name in KEY_DIR and its meaning."""

    name: str
    help: str

    @property
    def file_name(self) -> str:
        return self.name.lower()


FIELD_KEYS = Secret("FIELD_ENCRYPTION_KEYS", "Data keys of encrypted columns, comma-separated, newest first.")
SEARCH_KEY = Secret("SEARCH_MASTER_KEY", "Master keys of the search index, comma-separated, newest first.")
AUDIT_KEY = Secret("AUDIT_SEAL_KEY", "Keys of the seals over the audit log, comma-separated, newest first.")
SESSION_KEY = Secret("SESSION_HASH_KEY", "Key that hashes addresses and binds sessions.")
DJANGO_SECRET = Secret("SECRET_KEY", "Django's secret; signs sessions and links.")
SECRETS = (FIELD_KEYS, SEARCH_KEY, AUDIT_KEY, SESSION_KEY, DJANGO_SECRET)
LISTS = (FIELD_KEYS, SEARCH_KEY, AUDIT_KEY)  # may hold older keys behind the newest


@dataclass(frozen=True, repr=False)
class Keys:
    """All secrets of a running process. Its repr shows none of them."""

    field_keys: tuple[str, ...]  # Fernet format, newest first
    search_master_key: bytes
    audit_seal_key: bytes
    session_hash_key: bytes
    django_secret: str
    created: tuple[str, ...] = field(default=())  # names of the secrets made by this call
    older_search_keys: tuple[bytes, ...] = field(default=())
    older_audit_keys: tuple[bytes, ...] = field(default=())

    @property
    def search_master_keys(self) -> tuple[bytes, ...]:
        """All keys of the search index, newest first. Which of them is in use: `core.keys_index`."""
        return (self.search_master_key, *self.older_search_keys)

    @property
    def audit_seal_keys(self) -> tuple[bytes, ...]:
        """All keys a seal may be checked with, newest first; new seals are made with the first."""
        return (self.audit_seal_key, *self.older_audit_keys)

    def __repr__(self) -> str:
        return f"<Keys: {len(self.field_keys)} data key(s), newest {key_id(self.field_keys[0])}>"


def load(key_dir: Path | None, environ: Mapping[str, str], create: bool) -> Keys:
    """Return the secrets from the environment or `key_dir`; with `create`, missing ones are made in `key_dir`.

    Of several processes that start at once, exactly one makes each key and the others read it.

    Raises:
        KeysError: a secret is missing, cannot be read, is malformed, or is used twice. All problems are named at once.
    """
    problems: list[str] = []
    created: list[str] = []
    texts: dict[str, str] = {}
    for secret in SECRETS:
        try:
            text = _find(secret, key_dir, environ)
            if text is None and create:
                if key_dir is None:
                    raise KeysError(f"{secret.name} is not set and there is no KEY_DIR to make it in.")
                text, was_made = _create(secret, key_dir)
                if was_made:
                    created.append(secret.name)
            if text is None:
                raise KeysError(_missing(secret, key_dir))
            texts[secret.name] = text
        except KeysError as error:
            problems.append(str(error))

    field_keys: tuple[str, ...] = ()
    raw: dict[str, tuple[bytes, ...]] = {}
    for secret in SECRETS:
        text = texts.get(secret.name)
        if text is None:
            continue
        try:
            if secret is FIELD_KEYS:
                field_keys = _parse_list(secret, text)
            elif secret is DJANGO_SECRET:
                _check_django_secret(secret, text)
            elif secret in LISTS:
                raw[secret.name] = tuple(decode(entry) for entry in _parse_list(secret, text))
            else:
                raw[secret.name] = (_parse(secret, text),)
        except KeysError as error:
            problems.append(str(error))
    if not problems:
        problems.extend(_reused(field_keys, raw))
    if problems:
        raise KeysError("\n".join(problems))
    return Keys(
        field_keys=field_keys,
        search_master_key=raw[SEARCH_KEY.name][0],
        audit_seal_key=raw[AUDIT_KEY.name][0],
        session_hash_key=raw[SESSION_KEY.name][0],
        django_secret=texts[DJANGO_SECRET.name],
        created=tuple(created),
        older_search_keys=raw[SEARCH_KEY.name][1:],
        older_audit_keys=raw[AUDIT_KEY.name][1:],
    )


FROM_VARIABLE, FROM_FILE, FROM_DIRECTORY, FROM_NOWHERE = "variable", "file", "directory", "nowhere"


@dataclass(frozen=True)
class Source:
    """Where a secret comes from: the kind of place, and the file if it is one. Never the value."""

    kind: str
    name: str
    path: Path | None = None

    @property
    def shown(self) -> str:
        """The place in words."""
        if self.kind == FROM_VARIABLE:
            return f"the variable {self.name}"
        if self.kind == FROM_FILE:
            return f"{self.path} ({self.name}_FILE)"
        return str(self.path) if self.path else "nowhere"


def source(secret: Secret, key_dir: Path | None, environ: Mapping[str, str]) -> Source:
    """Return where `load` takes a secret from. Reads no key."""
    if environ.get(secret.name, "").strip():
        return Source(FROM_VARIABLE, secret.name)
    file_name = environ.get(f"{secret.name}_FILE", "").strip()
    if file_name:
        return Source(FROM_FILE, secret.name, Path(file_name))
    if key_dir is not None and os.path.lexists(key_dir / secret.file_name):
        return Source(FROM_DIRECTORY, secret.name, key_dir / secret.file_name)
    return Source(FROM_NOWHERE, secret.name)


def decode(text: str) -> bytes:
    """Return the 32 bytes of a key in Fernet format.

    Raises:
        ValueError: it is not 32 bytes in urlsafe base64.
    """
    try:
        data = text.encode("ascii")
        if len(data) != KEY_TEXT_LENGTH:
            raise ValueError("not 44 characters")
        value = base64.b64decode(data, altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("not urlsafe base64") from error
    if len(value) != KEY_BYTES:
        raise ValueError("not 32 bytes")
    return value


@lru_cache(maxsize=256)
def derive(secret: bytes, info: str, length: int = KEY_BYTES) -> bytes:
    """Return the sub-key of a secret for one purpose (HKDF-SHA256); different `info`, independent keys.

    Source: RFC 5869.
    """
    return HKDF(algorithm=SHA256(), length=length, salt=HKDF_SALT, info=info.encode()).derive(secret)


@lru_cache(maxsize=64)
def key_id(data_key: str) -> str:
    """Return the public name of a data key: 8 hexadecimal digits that say nothing about the key."""
    return derive(decode(data_key), "field/key-id/v1", 4).hex()


@lru_cache(maxsize=64)
def public_id(secret: Secret, value: bytes) -> str:
    """Return the public name of any other key: 8 hexadecimal digits that say nothing about it."""
    return derive(value, f"{secret.file_name}/key-id/v1", 4).hex()


def new_key() -> str:
    """Return a new random key in Fernet format."""
    return base64.urlsafe_b64encode(random_secrets.token_bytes(KEY_BYTES)).decode("ascii")


def create_missing(key_dir: Path) -> list[str]:
    """Make every secret that has no file in `key_dir` yet; return their names. Existing files are never touched."""
    return [
        secret.name for secret in SECRETS if not (key_dir / secret.file_name).exists() and _create(secret, key_dir)[1]
    ]


def add_key(secret: Secret, key_dir: Path) -> str:
    """Put a new key in front of a list in `key_dir` and return its public id. The older keys stay usable.

    Raises:
        KeysError: the secret is no list, or the directory holds no such keys yet, or they cannot be read.
    """
    present = _list_in(secret, key_dir)
    added = new_key()
    _write_over(key_dir / secret.file_name, (added, *present))
    return id_of(secret, added)


def drop_older_keys(secret: Secret, key_dir: Path) -> list[str]:
    """Leave only the newest key of a list in `key_dir`; return the public ids of those that went.

    They are not thrown away but moved to the file `<name>.retired` beside it: backups made under them need them.

    Raises:
        KeysError: as `add_key`.
    """
    newest, *older = _list_in(secret, key_dir)
    if not older:
        return []
    retired = key_dir / f"{secret.file_name}.retired"
    kept = _parse_list(secret, _read(retired, secret.name)) if retired.exists() else ()
    _write_over(retired, tuple(dict.fromkeys((*older, *kept))))
    _write_over(key_dir / secret.file_name, (newest,))
    return [id_of(secret, entry) for entry in older]


def id_of(secret: Secret, text: str) -> str:
    """Return the public id of one key in its text form."""
    return key_id(text) if secret is FIELD_KEYS else public_id(secret, decode(text))


def _list_in(secret: Secret, key_dir: Path) -> tuple[str, ...]:
    if secret not in LISTS:
        raise KeysError(f"{secret.name} is one key and not a list.")
    path = key_dir / secret.file_name
    if not path.exists():
        raise KeysError(f"{path} does not exist; only keys kept in KEY_DIR can be changed here.")
    return _parse_list(secret, _read(path, secret.name))


def _write_over(path: Path, entries: tuple[str, ...]) -> None:
    """Put `entries` in place of a file at once: a reader sees the old list or the new one, also after a power cut."""
    temporary = _write_temporary(path.parent, "\n".join(entries) + "\n")
    try:
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise KeysError(f"{path} cannot be written ({error.strerror}).") from error
    _sync_directory(path.parent)


def _find(secret: Secret, key_dir: Path | None, environ: Mapping[str, str]) -> str | None:
    value = environ.get(secret.name, "").strip()
    file_name = environ.get(f"{secret.name}_FILE", "").strip()
    if value and file_name:
        raise KeysError(f"{secret.name} and {secret.name}_FILE are both set; keep one of them.")
    if value:
        return value
    if file_name:
        return _read(Path(file_name), f"{secret.name}_FILE")
    if key_dir is None:
        return None
    path = key_dir / secret.file_name
    if not os.path.lexists(path):
        return None
    _check_mode(path)
    return _read(path, secret.name)


def _read(path: Path, name: str) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise KeysError(f"{name}: the file {path} is not text.") from error
    except OSError as error:
        raise KeysError(f"{name}: the file {path} cannot be read ({error.strerror}).") from error
    if not text:
        raise KeysError(f"{name}: the file {path} is empty. Restore it from the backup of the keys.")
    return text


def _check_mode(path: Path) -> None:
    """Refuse a key file that other accounts of the machine may read or change."""
    if os.name != "posix":
        return
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise KeysError(f"The file {path} cannot be read ({error.strerror}).") from error
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise KeysError(f"The key file {path} is open to other users of this machine. Run: chmod 600 {path}")


def _missing(secret: Secret, key_dir: Path | None) -> str:
    where = f"set {secret.name} or {secret.name}_FILE"
    if key_dir is None:
        return f"{secret.name} is missing: {where}, or set KEY_DIR."
    return (
        f"{secret.name} is missing: {where}, or put it in {key_dir / secret.file_name}. For a new installation only, "
        f"make all keys with: python -m core.keys {key_dir}"
    )


def _parse(secret: Secret, text: str) -> bytes:
    try:
        return decode(text)
    except ValueError as error:
        raise KeysError(f"{secret.name} is not a key: 32 random bytes in urlsafe base64 are needed.") from error


def _parse_list(secret: Secret, text: str) -> tuple[str, ...]:
    entries = [part.strip() for line in text.splitlines() for part in line.split(",")]
    keys = tuple(entry for entry in entries if entry)
    if not keys:
        raise KeysError(f"{secret.name} holds no key.")
    for position, entry in enumerate(keys, start=1):
        try:
            decode(entry)
        except ValueError as error:
            raise KeysError(
                f"{secret.name}: entry {position} is not a key: 32 random bytes in urlsafe base64 are needed."
            ) from error
    if len(set(keys)) != len(keys):
        raise KeysError(f"{secret.name} holds the same key twice.")
    return keys


def _check_django_secret(secret: Secret, text: str) -> None:
    if len(text) < DJANGO_SECRET_LENGTH:
        raise KeysError(f"{secret.name} is too short: {DJANGO_SECRET_LENGTH} random characters or more are needed.")


def _reused(field_keys: tuple[str, ...], raw: Mapping[str, tuple[bytes, ...]]) -> list[str]:
    """Name secrets that share a value: leaking one must not open another."""
    seen: dict[bytes, str] = {decode(key): FIELD_KEYS.name for key in field_keys}
    problems = []
    for name, values in raw.items():
        for value in values:
            if value in seen:
                problems.append(f"{name} is the same key as {seen[value]}. Each secret needs a key of its own.")
            seen[value] = name
    return problems


def _create(secret: Secret, key_dir: Path) -> tuple[str, bool]:
    """Make one secret's file and return (text, True), or the text another process was first to write and False."""
    path = key_dir / secret.file_name
    try:
        key_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = _write_temporary(
            key_dir, (random_secrets.token_urlsafe(48) if secret is DJANGO_SECRET else new_key()) + "\n"
        )
        try:
            os.link(temporary, path)  # all or nothing, and never over a file that is there
            was_made = True
        except FileExistsError:
            was_made = False
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise KeysError(
            f"{secret.name} cannot be made in {key_dir} ({error.strerror}). Choose another KEY_DIR."
        ) from error
    _sync_directory(key_dir)
    _check_mode(path)
    return _read(path, secret.name), was_made


def _write_temporary(key_dir: Path, text: str) -> Path:
    temporary = key_dir / f".{random_secrets.token_hex(8)}.new"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _sync_directory(path: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def main(arguments: list[str]) -> int:
    """Command line: make the missing keys of a directory and say which ones were made, or print one new key."""
    if arguments == ["--print"]:
        sys.stdout.write(new_key() + "\n")
        return 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write("Usage: python -m core.keys KEY_DIR | --print\n")
        return 2
    try:
        sys.stdout.write(created_message(key_dir := Path(arguments[0]).expanduser(), create_missing(key_dir)) + "\n")
    except KeysError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def created_message(key_dir: Path, made: list[str]) -> str:
    """Return the sentence that tells an operator which keys were made, and to back them up."""
    if not made:
        return f"All keys are already in {key_dir}; nothing was changed."
    return (
        f"Made in {key_dir}: {', '.join(made)}.\n"
        "Back these files up now, apart from the database: without them the records cannot be read again."
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
