"""The documentation of settings, made from their declarations: docs/settings.md and .env.example."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from core.env import Setting
from core.keys import SECRETS

MODULES = ("emr.settings.production", "emr.settings.development")
NEEDED_IN_PRODUCTION = ("DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "SITE_URL", *(secret.name for secret in SECRETS))
_PRINT_DECLARED = """
import dataclasses, importlib, json, sys
importlib.import_module(sys.argv[1])
from emr.settings.base import env
print(json.dumps([dataclasses.asdict(setting) for setting in env.declared.values()]))
"""


def throwaway_production_environ() -> dict[str, str]:
    """Return variables with which production settings load: fresh keys, and servers that are never spoken to."""
    made = {secret.name: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() for secret in SECRETS}
    return {
        **made,
        "SECRET_KEY": secrets.token_urlsafe(64),
        "DATABASE_URL": "mysql://emr@127.0.0.1:3306/emr",
        "REDIS_URL": "redis://127.0.0.1:6379/0",
        "ALLOWED_HOSTS": "emr.example",
        "SITE_URL": "https://emr.example",
        "EMBEDDED": "0",
        "DEMO_MODE": "0",
        "DEBUG": "0",
    }


def declared() -> list[Setting]:
    """Return every declared variable, in the order of declaration; each settings module is loaded in its own process."""
    found: dict[str, Setting] = {}
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ}
    for module in MODULES:
        output = subprocess.run(  # noqa: S603 - our own interpreter and text
            [sys.executable, "-c", _PRINT_DECLARED, module],
            cwd=settings.BASE_DIR,
            env={**keep, **throwaway_production_environ(), **_mode(module)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for fields in json.loads(output):
            found.setdefault(fields["name"], Setting(**fields))
    return list(found.values())


def markdown(declarations: list[Setting]) -> str:
    """Return docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "<!-- Made by `manage.py write_settings_docs` from the declarations in emr/settings; a test keeps it current. -->",
        "",
        "Every setting is an environment variable, or a line `NAME=value` in `.env` at the top of the checkout (variables",
        "that are set win). A value that cannot be read stops the start with a sentence that names the variable.",
        "",
        "`DJANGO_SETTINGS_MODULE` chooses the environment: `emr.settings.development` (default of `manage.py`: the embedded",
        "product, where `EMBEDDED` and `DEMO_MODE` are 1), `emr.settings.production` (default of `emr.wsgi`, `emr.asgi` and",
        "`celery -A emr`), `emr.settings.test`. A secret may also be given as `NAME_FILE`, the path of a file that holds it.",
        "",
        "**Production does not start without** " + ", ".join(f"`{name}`" for name in NEEDED_IN_PRODUCTION) + ".",
        "The keys may stand in `KEY_DIR` instead of the environment; `python -m core.keys KEY_DIR` makes them.",
        "",
        "| Variable | Meaning | Value | Default |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{item.name}` | {_cell(item.help)} | {_cell(_kind(item))} "
        f"| {f'`{_cell(item.default)}`' if item.default else 'empty'} |"
        for item in declarations
    ]
    return "\n".join(lines) + "\n"


def env_example(declarations: list[Setting]) -> str:
    """Return .env.example: every variable, commented out, with its default."""
    lines = [
        "# Copy to .env and change what you need. Made by `manage.py write_settings_docs`; see docs/settings.md.",
        "# Never commit .env: it may hold secrets.",
    ]
    for item in declarations:
        needed = " Needed in production." if item.name in NEEDED_IN_PRODUCTION else ""
        default = "" if item.secret else item.default
        lines += ["", f"# {item.help}{needed}", f"# Value: {item.kind}.", f"#{item.name}={default}"]
    return "\n".join(lines) + "\n"


def files(declarations: list[Setting] | None = None) -> dict[Path, str]:
    """Return the files and what they should hold."""
    declarations = declared() if declarations is None else declarations
    return {
        settings.BASE_DIR / "docs" / "settings.md": markdown(declarations),
        settings.BASE_DIR / ".env.example": env_example(declarations),
    }


def _mode(module: str) -> dict[str, str]:
    return {"EMBEDDED": "0" if module.endswith("production") else "1"}


def _kind(item: Setting) -> str:
    return f"{item.kind}, secret" if item.secret and "secret" not in item.kind else item.kind


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
