from tests.matrix import Row

ROWS = [Row("reports:dashboard", holder="nurse"), Row("reports:dashboard-panel", holder="nurse")]
