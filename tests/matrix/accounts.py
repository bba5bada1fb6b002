from accounts.factor_resets import request_reset
from accounts.models import AccountSession, TotpDevice
from tests.factories.accounts import UserFactory
from tests.matrix import Row


def a_colleague(cast):
    cast.made["person"] = UserFactory(username="orang.lain", roles=["nurse"])
    return {"pk": cast.made["person"].pk}


def new_staff(cast):
    return {"username": "baru", "full_name": "Orang Baru", "email": "baru@klinik.example", "roles": ["nurse"]}


def a_reset(cast):
    assert cast.owner
    an_app(cast)
    asked = request_reset(user_id=cast.nurse.pk, actor=cast.admin, reason="Telepon hilang di pasar.")
    return {"pk": asked.pk}


WAITING = "only for a sign-in that waits for its second step in this session"


def an_app(cast):
    return {"kind": "app", "pk": TotpDevice.objects.create(user=cast.nurse, name="Telepon").pk}


def an_own_session(cast):
    row = AccountSession.objects.create(user=cast.nurse, session_key="somewhere-else")
    return {"pk": row.pk}


OWN = "about the own account: nobody else's is reachable"

ROWS = [
    Row("accounts:session-state", public=True),
    Row("accounts:session-active", method="POST", public=True),
    Row("accounts:session-unlock", method="POST", public=True),
    Row("accounts:session-lock", method="POST", holder="nurse", outsider=None, note=OWN),
    Row("accounts:session-list", holder="nurse", outsider=None, note=OWN),
    Row("accounts:session-end", an_own_session, method="POST", holder="nurse", outsider="doctor"),
    Row("accounts:session-end-others", method="POST", holder="nurse", outsider=None, note=OWN),
    Row("accounts:home", public=True),
    Row("accounts:login", public=True),
    Row("accounts:login", method="POST", public=True, expect=(422,)),
    Row("accounts:portal-login", public=True),
    Row("accounts:portal-login", method="POST", public=True, expect=(422,)),
    Row("accounts:logout", method="POST", public=True),
    Row("accounts:preferences", method="POST", public=True),
    Row("accounts:factor-verify", public=True, expect=(302,), note=WAITING),
    Row("accounts:factor-verify", method="POST", public=True, expect=(302,), note=WAITING),
    Row("accounts:factor-cancel", method="POST", public=True),
    Row("accounts:factor-enrol", public=True, expect=(302,), note=WAITING),
    Row("accounts:factor-enrol", method="POST", public=True, expect=(302,), note=WAITING),
    Row("accounts:factor-enrol-app", public=True, expect=(302,), note=WAITING),
    Row("accounts:factor-enrol-app", method="POST", public=True, expect=(302,), note=WAITING),
    Row("accounts:factor-confirm", holder="nurse", outsider=None, note=OWN),
    Row("accounts:factor-confirm", method="POST", holder="nurse", outsider=None, note=OWN, expect=(422,)),
    Row("accounts:backup-codes", holder="nurse", outsider=None, note=OWN),
    Row("accounts:backup-codes", method="POST", holder="nurse", outsider=None, note=OWN),
    Row("accounts:backup-codes-kept", method="POST", holder="nurse", outsider=None, note=OWN),
    Row("accounts:device-list", holder="nurse", outsider=None, note=OWN),
    Row("accounts:device-add-app", holder="nurse", outsider=None, note=OWN),
    Row("accounts:device-add-app", method="POST", holder="nurse", outsider=None, note=OWN, expect=(422,)),
    Row("accounts:device-rename", an_app, holder="nurse", outsider="doctor"),
    Row("accounts:device-rename", an_app, method="POST", holder="nurse", outsider="doctor", expect=(422,)),
    Row("accounts:device-remove", an_app, holder="nurse", outsider="doctor"),
    Row("accounts:device-remove", an_app, method="POST", holder="nurse", outsider="doctor"),
    Row("accounts:password-change", holder="nurse", outsider=None, note=OWN),
    Row("accounts:password-change", method="POST", holder="nurse", outsider=None, note=OWN, expect=(422,)),
    Row("accounts:csp-report", method="POST", public=True),
    Row("accounts:styleguide", holder="nurse"),
    # passkeys: without a question asked before, each answers with a redirect to the start, or a refusal
    Row("accounts:passkey-sign-in-begin", method="POST", public=True, expect=(422,)),
    Row("accounts:passkey-sign-in", method="POST", public=True, expect=(409,)),
    Row("accounts:passkey-verify-begin", method="POST", public=True),
    Row("accounts:passkey-verify", method="POST", public=True),
    Row("accounts:passkey-enrol-begin", method="POST", public=True),
    Row("accounts:passkey-enrol", method="POST", public=True),
    Row("accounts:passkey-confirm-begin", method="POST", holder="nurse", outsider=None, note=OWN),
    Row("accounts:passkey-confirm", method="POST", holder="nurse", outsider=None, note=OWN, expect=(409,)),
    Row("accounts:passkey-add-begin", method="POST", holder="nurse", outsider=None, note=OWN),
    Row("accounts:passkey-add", method="POST", holder="nurse", outsider=None, note=OWN, expect=(409,)),
    Row("accounts:device-object-to-reset", method="POST", holder="nurse", outsider=None, note=OWN),
    Row("accounts:factor-reset-list", colleague="doctor"),
    Row("accounts:factor-reset-detail", a_reset, holder="owner", colleague="doctor"),
    Row("accounts:factor-reset-approve", a_reset, method="POST", holder="owner", colleague="doctor"),
    Row("accounts:factor-reset-reject", a_reset, method="POST", holder="owner", colleague="doctor"),
    Row("accounts:factor-reset-request", a_colleague, colleague="owner"),
    Row("accounts:factor-reset-request", a_colleague, method="POST", colleague="owner", expect=(422,)),
    Row("accounts:user-list", colleague="owner"),
    Row("accounts:user-list", method="POST", colleague="owner", data=lambda cast: {"q": "ayu"}),
    Row("accounts:user-create", colleague="receptionist"),
    Row("accounts:user-create", method="POST", colleague="receptionist", data=new_staff),
    Row("accounts:user-edit", a_colleague, colleague="doctor"),
    Row("accounts:user-edit", a_colleague, method="POST", colleague="doctor", data=new_staff),
    Row("accounts:user-roles", a_colleague, method="POST", colleague="owner", data=lambda cast: {"roles": ["cashier"]}),
    Row("accounts:user-deactivate", a_colleague, method="POST", colleague="owner"),
    Row("accounts:user-reactivate", a_colleague, method="POST", colleague="owner"),
    Row("accounts:user-lift-lock", a_colleague, method="POST", colleague="owner"),
    Row("accounts:user-verify", a_colleague, method="POST", colleague="owner"),
    Row("accounts:user-email", a_colleague, method="POST", colleague="owner", data=new_staff),
    Row("accounts:user-send-password-link", a_colleague, method="POST", colleague="owner"),
    Row("accounts:user-send-invitation", a_colleague, method="POST", colleague="owner"),
    Row("accounts:password-reset", public=True),
    Row("accounts:password-reset", method="POST", public=True, data=lambda cast: {"login": "siapa"}),
    Row("accounts:password-reset-sent", public=True),
    Row("accounts:portal-password-reset", public=True),
    Row("accounts:portal-password-reset", method="POST", public=True, data=lambda cast: {"login": "siapa"}),
    Row("accounts:portal-password-reset-sent", public=True),
    Row("accounts:link-open", lambda cast: {"token": "tidak-ada"}, public=True, expect=(302,)),
    Row("accounts:link-use", public=True, expect=(410,)),
    Row("accounts:link-use", method="POST", public=True, expect=(410,)),
    Row("accounts:email-change", holder="nurse", outsider=None, note=OWN),
    Row("accounts:email-change", method="POST", holder="nurse", outsider=None, note=OWN, expect=(422,)),
]
