"""Who sees what the nightly check found."""

from tests.matrix import Row

ROWS = [
    Row("patients:integrity", holder="admin", colleague="receptionist"),
    Row("patients:integrity-panel", holder="admin", colleague="owner"),
    Row("patients:integrity-run", method="POST", holder="admin", colleague="doctor"),
]
