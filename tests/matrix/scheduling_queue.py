from scheduling.models import QueueEvent, QueueStep, Visit
from scheduling.services import serving
from tests.factories.scheduling import StationFactory, VisitFactory
from tests.matrix import Row

Status = Visit.Status


def step(status=Status.ARRIVED, **fields):
    def build(cast):
        cast.made["visit"] = visit = VisitFactory(doctor=cast.doctor, status=status)
        found = QueueStep.objects.get(visit=visit, open=1)
        if fields:
            QueueStep.objects.filter(pk=found.pk).update(**fields)
        return {"pk": found.pk}

    return build


def examined(cast):
    return {**step(Status.IN_CONSULTATION)(cast), "stage": "laboratory"}


def station(cast):
    return {"pk": StationFactory().pk}


def event(cast):
    serving.call_step(actor=cast.nurse, step_id=step()(cast)["pk"])
    return {"pk": QueueEvent.objects.get(actor=cast.nurse, step__visit=cast.made["visit"]).pk}


def reason(cast):
    return {"reason": "Ukur ulang tekanan darah"}


def transfer(cast):
    return {"target": "stage:doctor", **reason(cast)}


def chosen(cast):
    return {"station": str(StationFactory(stage="nurse").pk)}


def form(cast):
    return {
        "name": "Ruang 12",
        "stage": "doctor",
        "spoken": "ruang",
        "spoken_number": "12",
        "order": "3",
        "is_active": "on",
    }


ROWS = [
    Row("scheduling:station", holder="nurse", colleague="owner"),
    Row("scheduling:station-panel", holder="cashier", colleague="owner"),
    Row("scheduling:station-choose", method="POST", holder="nurse", colleague="owner", data=chosen),
    Row("scheduling:station-call-next", method="POST", holder="nurse", colleague="owner"),
    Row("scheduling:step-call", build=step(), method="POST", holder="nurse", colleague="receptionist"),
    Row("scheduling:step-start", build=step(), method="POST", holder="nurse", colleague="receptionist"),
    Row("scheduling:step-skip", build=step(state="called"), method="POST", holder="nurse", colleague="receptionist"),
    Row("scheduling:step-requeue", build=step(state="skipped"), method="POST", holder="nurse", colleague="receptionist"),
    Row("scheduling:step-finish", build=step(state="called"), method="POST", holder="nurse", colleague="receptionist"),
    Row("scheduling:step-send-back", build=step(Status.WAITING), holder="doctor", colleague="nurse"),
    Row(
        "scheduling:step-send-back", build=step(Status.WAITING), method="POST", holder="doctor", colleague="nurse",
        data=reason,
    ),
    Row("scheduling:step-transfer", build=step(), holder="nurse", colleague="doctor"),
    Row("scheduling:step-transfer", build=step(), method="POST", holder="receptionist", colleague="doctor", data=transfer),
    Row("scheduling:step-examine", build=examined, method="POST", holder="doctor", colleague="nurse"),
    Row("scheduling:queue-undo", build=event, method="POST", holder="nurse", colleague="owner"),
    Row("scheduling:station-list", colleague="receptionist"),
    Row("scheduling:station-add", colleague="receptionist"),
    Row("scheduling:station-add", method="POST", colleague="receptionist", data=form),
    Row("scheduling:station-edit", build=station, colleague="receptionist"),
    Row("scheduling:station-edit", build=station, method="POST", colleague="receptionist", data=form),
    Row("scheduling:flow", holder="lab_officer"),
    Row("scheduling:flow-panel", holder="owner"),
    Row("scheduling:queue-report", holder="owner", colleague="doctor"),
]  # fmt: skip
