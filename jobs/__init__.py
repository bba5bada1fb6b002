"""Background work that people can watch: `jobs.register(...)` a kind at start, `jobs.services.request(...)` one job of it."""

from jobs.kinds import Kind, register
from jobs.steps import Cancelled, JobResult, JobStep, LeaseLost

__all__ = ["Cancelled", "JobResult", "JobStep", "Kind", "LeaseLost", "register"]
