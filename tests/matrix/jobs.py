from jobs import runner, services
from tests.jobs import sample
from tests.matrix import Row


def own_job(cast):
    sample.known()
    job = sample.asked(cast.nurse, patient_id=cast.patient_user.patient.pk)
    cast.made["job"] = job
    return {"pk": job.pk}


def ended_job(cast):
    kwargs = own_job(cast)
    runner.work(kwargs["pk"])
    return kwargs


def cancelled_job(cast):
    kwargs = own_job(cast)
    services.cancel(job_id=kwargs["pk"], actor=cast.nurse)
    return kwargs


EVERYONE = "every signed-in person has own jobs"

ROWS = [
    Row("jobs:list", holder="nurse", outsider=None, note=EVERYONE),
    Row("jobs:list-panel", holder="patient", outsider=None, note=EVERYONE),
    Row("jobs:detail", own_job, holder="nurse", outsider="admin"),
    Row("jobs:progress-panel", own_job, holder="nurse", outsider="patient"),
    Row("jobs:cancel", own_job, "POST", holder="nurse", outsider="admin", data=lambda cast: {"next": "/jobs/"}),
    Row("jobs:resume", cancelled_job, "POST", holder="nurse", outsider="admin", data=lambda cast: {"next": "/jobs/"}),
    Row("jobs:result", ended_job, holder="nurse", outsider="admin"),
]
