"""Who may print cards, labels and wristbands."""

from tests.matrix import Row
from tests.matrix.patients import patient

ROWS = [
    Row("patients:paper-choice", patient, holder="receptionist", colleague="owner"),
    Row("patients:card-pdf", patient, "POST", holder="receptionist", colleague="owner"),
    Row("patients:labels-pdf", patient, "POST", holder="receptionist", colleague="owner",
        data=lambda cast: {"sheet": "a4_24", "count": 3, "first": 1}),
    Row("patients:wristband-pdf", patient, "POST", holder="receptionist", colleague="owner", data=lambda cast: {"band": "adult"}),
]  # fmt: skip
