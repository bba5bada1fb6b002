"""Transactions, locks and counters that behave the same on SQLite and MariaDB."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, models, transaction

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=models.Model)

_RETRYABLE_MYSQL = {1205, 1213, 1020}  # lock wait timeout, deadlock, record changed since last read
MAX_TRIES = 6


def is_transient(error: OperationalError) -> bool:
    """True for a deadlock, a lock wait timeout or a locked SQLite file: the whole transaction may be run again."""
    number = error.args[0] if error.args else None
    return number in _RETRYABLE_MYSQL or "locked" in str(error).lower()


def retry_transaction(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` in one transaction, again from the start when the database gave up on it.

    Only for functions whose effects are all in the database (on_commit included). Inside an outer transaction it runs
    once: only the outermost may be repeated.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return function(*args, **kwargs)
        for attempt in range(1, MAX_TRIES + 1):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except OperationalError as error:
                if attempt == MAX_TRIES or not is_transient(error):
                    raise
                time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - jitter, not a secret
        raise AssertionError("unreachable")

    return run


def locked(queryset: models.QuerySet[M]) -> models.QuerySet[M]:
    """Return the rows of `queryset` under a row lock until the transaction ends.

    Joins of select_related are dropped, so that only the rows themselves are locked: MariaDB has no `FOR UPDATE OF`.
    On SQLite the whole database is locked by BEGIN IMMEDIATE.
    """
    return queryset.select_related(None).select_for_update()


def next_number(name: str) -> int:
    """Return the next number of a named counter, from 1, without gaps between committed transactions.

    The counter row stays locked until the caller's transaction ends, so take the number as late as possible.
    """
    return next_numbers(name, 1)[0]


def next_numbers(name: str, count: int) -> range:
    """Return the next `count` numbers of a named counter; none at all only locks it. As `next_number`."""
    from django.db.models import F

    from core.models import Counter

    if not connection.in_atomic_block:
        raise RuntimeError("next_numbers needs a transaction")
    if not Counter.objects.filter(name=name).update(value=F("value") + count):
        Counter.objects.bulk_create([Counter(name=name, value=0)], ignore_conflicts=True)
        Counter.objects.filter(name=name).update(value=F("value") + count)
    last = Counter.objects.values_list("value", flat=True).get(name=name)
    return range(last - count + 1, last + 1)


def raise_number(name: str, at_least: int) -> None:
    """Let a named counter go on after `at_least`; one that is there already stays. Locks it as `next_number` does."""
    from core.models import Counter

    next_numbers(name, 0)
    Counter.objects.filter(name=name, value__lt=at_least).update(value=at_least)
