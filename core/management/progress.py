"""How far a long command has come: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import Any

BAR_WIDTH = 30
TERMINAL_SECONDS = 0.2  # between two drawings of the bar
LINE_SECONDS = 5.0
LINE_STEP = 10  # per cent: a plain line at least this often


class Progress:
    """Counts rows of a known total and says how many are done, how fast, and how long the rest will take.

    `before` rows were done by an earlier run that was interrupted; they count, but not for the speed.
    """

    def __init__(self, out: Any, label: str, total: int, *, before: int = 0) -> None:
        self.out, self.label = out, label
        self.total, self.done, self.before = max(total, before), before, before
        self.started = self.shown = time.monotonic()
        self.shown_step = -1
        self.is_terminal = bool(getattr(out, "isatty", lambda: False)())

    def add(self, rows: int) -> None:
        """Count finished rows."""
        self.set(self.done + rows)

    def set(self, done: int) -> None:
        """Say how many rows are finished in all; rows that came meanwhile raise the total."""
        self.done = done
        self.total = max(self.total, done)
        now = time.monotonic()
        step = self.percent // LINE_STEP
        if self.is_terminal:
            is_due = now - self.shown >= TERMINAL_SECONDS
        else:
            is_due = step > self.shown_step or now - self.shown >= LINE_SECONDS
        if is_due:
            self.shown, self.shown_step = now, step
            self._show()

    def end(self) -> None:
        """Show the last state and end the line."""
        self._show()
        if self.is_terminal:
            self.out.write("\n", ending="")

    @property
    def percent(self) -> int:
        return 100 if self.total == 0 else self.done * 100 // self.total

    @property
    def remaining(self) -> str:
        """How long the rest takes at the present speed, such as "2 min 05 s"; empty when nothing can be said."""
        here, left = self.done - self.before, self.total - self.done
        if here <= 0 or left <= 0:
            return ""
        seconds = round(left * (time.monotonic() - self.started) / here)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        if hours:
            return f"{hours} h {minutes:02} min"
        return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"

    def _show(self) -> None:
        left = f", {self.remaining} left" if self.remaining else ""
        text = f"{self.done}/{self.total} rows, {self.percent} %{left}"
        if self.is_terminal:
            filled = BAR_WIDTH * self.percent // 100
            bar = "#" * filled + "-" * (BAR_WIDTH - filled)
            self.out.write(f"\r{self.label} [{bar}] {text}\x1b[K", ending="")
            self.out.flush()
        else:
            self.out.write(f"{self.label}: {text}")
            self.out.flush()
