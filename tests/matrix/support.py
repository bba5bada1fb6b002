from tests.factories.support import SupportMessageFactory
from tests.matrix import Row


def own(who):
    return lambda cast: {"pk": SupportMessageFactory(sender=getattr(cast, who)).pk}


def any_message(cast):
    return {"pk": SupportMessageFactory().pk}


def new_message(cast):
    return {"subject": "Tanya", "body": "Bagaimana caranya?"}


ROWS = [
    Row("support:message-list", holder="nurse"),
    Row("support:message-list", method="POST", holder="nurse", data=new_message),
    Row("support:message-detail", own("nurse"), holder="nurse", outsider="doctor"),
    Row("support:message-detail", own("nurse"), holder="nurse", outsider="admin"),
    Row("support:inbox", colleague="nurse"),
    Row("support:inbox-panel", colleague="nurse"),
    Row("support:inbox-message", any_message, colleague="owner"),
    Row("support:message-read", any_message, method="POST", colleague="owner"),
    Row(
        "support:message-answer", any_message, method="POST", colleague="owner", data=lambda cast: {"answer": "Sudah."}
    ),
    Row("support:portal-message-list", holder="patient", outsider="nurse"),
    Row("support:portal-message-list", method="POST", holder="patient", outsider="admin", data=new_message),
    Row("support:portal-message-detail", own("patient_user"), holder="patient", outsider="other_patient"),
]
