"""Broken rules of background work."""

from django.utils.translation import gettext as _

from core.errors import Conflict, NotPermitted


class JobNotPermitted(NotPermitted):
    """The person may not have this work done, or may not have its result any more."""

    code = "jobs.not_permitted"

    def __init__(self) -> None:
        super().__init__(_("You may not do this background work. Ask an admin about your rights."))


class TooManyJobs(Conflict):
    """The person has as many jobs of this kind waiting or running as one may have."""

    code = "jobs.too_many"

    def __init__(self, count: int) -> None:
        super().__init__(
            _(
                "%(count)d jobs of this kind are already waiting or running for you. Wait for one of them, or cancel one."
            )
            % {"count": count}
        )


class JobEnded(Conflict):
    """Only a job that waits or runs can be cancelled."""

    code = "jobs.ended"

    def __init__(self) -> None:
        super().__init__(_("This job has already ended. Reload the page to see what came of it."))


class JobNotResumable(Conflict):
    """Only a job that failed or was cancelled goes on, and only while what it needs is kept."""

    code = "jobs.not_resumable"

    def __init__(self) -> None:
        super().__init__(_("This job cannot go on any more. Start a new one."))


class ResultGone(Conflict):
    """There is no result file: none was made, or its time is over."""

    code = "jobs.result_gone"

    def __init__(self) -> None:
        super().__init__(_("The result file is no longer kept. Start the job once more."))
