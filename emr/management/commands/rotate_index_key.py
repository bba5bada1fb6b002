"""Bring the search index under the newest key while the clinic works."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction

import audit
from core import keys, keys_index
from core.errors import DomainError
from core.keys import KeysError
from core.keys_check import verify_sentinel
from core.management.progress import Progress
from core.models import SearchIndex
from emr import key_changes
from patients import index_rotation
from patients.models import Patient

LABELS = {SearchIndex.Phase.BUILDING: "Building", SearchIndex.Phase.CLEARING: "Clearing the old"}


class Command(BaseCommand):
    help = (
        "Bring the search index under the newest key of SEARCH_MASTER_KEY. Every process must have that key already. "
        "Searching and registering go on. Safe to stop at any moment and to run again; with --status, only say how far "
        "it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--batch-size", type=int, default=index_rotation.BATCH_SIZE, help="patients per transaction (%(default)s)"
        )
        parser.add_argument(
            "--rest", type=float, default=0.0, help="seconds to rest between batches, to spare the database"
        )
        parser.add_argument(
            "--grace",
            type=float,
            default=index_rotation.GRACE_SECONDS,
            help="seconds between the switch and the first deletion, for searches under way (%(default)s)",
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--status", action="store_true", help="only show the state")
        what.add_argument("--cancel", action="store_true", help="before the switch: go back to the old key")
        what.add_argument(
            "--new-key",
            action="store_true",
            help="with every other process stopped: make the key in KEY_DIR, rotate, and take the old one out of the list",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch_size"] < 1 or options["rest"] < 0 or options["grace"] < 0:
            raise CommandError("--batch-size must be 1 or more, --rest and --grace 0 or more.")
        pace = {
            "batch_size": options["batch_size"], "rest_seconds": options["rest"], "grace_seconds": options["grace"],
        }  # fmt: skip
        try:
            verify_sentinel()
            if options["status"]:
                self._show_status()
            elif options["cancel"]:
                keys_index.cancel(total=Patient.objects.count())
                self._finish(index_rotation.clear(told=Teller(self.stdout), **pace))
            elif options["new_key"]:
                with key_changes.only_process():
                    self._with_new_key(pace)
            else:
                self._finish(index_rotation.rotate(told=Teller(self.stdout), **pace))
        except (KeysError, DomainError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(
                f"The database gave up ({type(error).__name__}). Nothing is lost; run this command again."
            ) from error

    def _with_new_key(self, pace: dict[str, Any]) -> None:
        """Make a key and rotate; a run that was killed half way has left several keys, and only rotates."""
        state = keys_index.state()
        if state.phase == SearchIndex.Phase.READY and len(keys_index.ring()) == 1:
            name = key_changes.add_key(keys.SEARCH_KEY)
            self.stdout.write(f"Made index key {name}. Back up {keys.SEARCH_KEY.file_name} now.")
        if keys_index.state().phase != SearchIndex.Phase.READY or state.current != next(iter(keys_index.ring())):
            self._finish(index_rotation.rotate(told=Teller(self.stdout), **pace), is_alone=True)
        gone = key_changes.drop_older_keys(keys.SEARCH_KEY)
        if gone:
            self.stdout.write(f"Key {', '.join(gone)} went from the list to {keys.SEARCH_KEY.file_name}.retired.")

    def _finish(self, state: SearchIndex, *, is_alone: bool = False) -> None:
        if state.phase != SearchIndex.Phase.READY:
            raise CommandError("Another process changed the course. See: manage.py rotate_index_key --status")
        with transaction.atomic():
            audit.record("core.index_key.rotated", actor=None, detail={"key": state.current})
        self.stdout.write(self.style.SUCCESS(f"The search index is under key {state.current} alone."))
        unused = [name for name in keys_index.ring() if name != state.current]
        if unused and not is_alone:
            self.stdout.write(
                f"Take {', '.join(unused)} out of SEARCH_MASTER_KEY and restart; keep it with the backups made under it."
            )

    def _show_status(self) -> None:
        state = keys_index.state()
        self.stdout.write(
            f"Phase: {state.phase}, since {state.since:%Y-%m-%d %H:%M} UTC. Searches use key {state.current}."
        )
        if state.phase != SearchIndex.Phase.READY:
            self.stdout.write(f"Other key: {state.other}. {state.done} of {state.total} patients are done.")


class Teller:
    """Shows each phase as a progress of its own."""

    def __init__(self, out: Any) -> None:
        self.out = out
        self.phase = ""
        self.progress: Progress | None = None

    def __call__(self, state: SearchIndex) -> None:
        if state.phase != self.phase:
            if self.progress is not None:
                self.progress.end()
            self.phase = state.phase
            label = LABELS.get(SearchIndex.Phase(state.phase))
            self.progress = None
            if label:
                name = state.other
                self.progress = Progress(self.out, f"{label} index {name}", state.total, before=state.done)
        if self.progress is not None:
            self.progress.set(state.done)
