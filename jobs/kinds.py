"""Kinds of jobs. An app registers its own in `AppConfig.ready`, so that this one needs to know no domain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise

from accounts.access import Capability, has_capability

if TYPE_CHECKING:
    from jobs.models import Job
    from jobs.steps import JobResult, JobStep

RESULT_LIFETIME = timedelta(days=7)
LEASE = timedelta(minutes=2)
DONE_NOTICE, FAILED_NOTICE = "job_done", "job_failed"


@dataclass(frozen=True)
class Kind:
    """What one kind of job does, who may have it done, and how it is shown. See `register`."""

    name: str
    run: Callable[[JobStep], JobResult | None]
    label: str | Promise
    capability: Capability | None = None
    is_shared: bool = False
    allows: Callable[[Any, Job], bool] | None = None
    wants_factor: Callable[[Job], bool] | None = None
    result_lifetime: timedelta = RESULT_LIFETIME
    lease: timedelta = LEASE
    phases: Mapping[str, str | Promise] = field(default_factory=dict)
    summary: Callable[[Job], str] | None = None
    link: Callable[[Job], str] | None = None
    done_notice: str = DONE_NOTICE
    failed_notice: str = FAILED_NOTICE

    def may_be_used_by(self, user: Any) -> bool:
        """True when the person may have such jobs at all; closed for inactive people and those with a one-time password."""
        if self.capability is not None:
            return has_capability(user, self.capability)
        return bool(user is not None and user.is_authenticated and user.is_active and user.capabilities)

    def permits(self, user: Any, job: Job) -> bool:
        """True when the person may have this very job done, or its result, now."""
        return self.may_be_used_by(user) and (self.allows is None or self.allows(user, job))

    def guards(self, job: Job) -> bool:
        """True when the result is given only to somebody who proved the second factor in the last minutes."""
        return self.wants_factor is not None and self.wants_factor(job)


_kinds: dict[str, Kind] = {}


def register(name: str, *, run: Callable[[JobStep], JobResult | None], label: str | Promise, **options: Any) -> Kind:
    """Make a kind of job known; called once for each when the apps are loaded.

    `name` is `app.noun`. `run(step)` does the work: see `jobs.steps.JobStep`. Options:

    - `capability`: the right that a person needs to have such jobs done; None: everybody who can sign in.
    - `is_shared`: everybody with that right sees all jobs of this kind, not only the own ones.
    - `allows(user, job)`: a further question for one job (may this person still read this patient?). Asked at the
      request, when the work begins, and at each download.
    - `wants_factor(job)`: whether loading its result asks for the second factor again.
    - `result_lifetime`: after this long the result file is removed.
    - `lease`: longer than the longest time between two calls of `step.progress`.
    - `phases`: code -> words shown while the job is in it.
    - `summary(job)`: a sentence about what came out, from `job.outcome`, in the reader's language.
    - `link(job)`: path of the page that the job belongs to; "" for the job's own page.
    - `done_notice`, `failed_notice`: kinds of notices without parameters.

    Raises:
        ValueError: the name is taken.
    """
    if name in _kinds:
        raise ValueError(f"there is a kind of job called {name} already")
    _kinds[name] = Kind(name=name, run=run, label=label, **options)
    return _kinds[name]


def get(name: str) -> Kind | None:
    """Return the kind of this name; None for one that this version of the product does not know."""
    return _kinds.get(name)


def usable_by(user: Any) -> list[Kind]:
    """Return the kinds that the person may have done."""
    return [kind for kind in _kinds.values() if kind.may_be_used_by(user)]
