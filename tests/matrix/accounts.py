from tests.factories.accounts import UserFactory
from tests.matrix import Row


def a_colleague(cast):
    cast.made["person"] = UserFactory(username="orang.lain", roles=["nurse"])
    return {"pk": cast.made["person"].pk}


def new_staff(cast):
    return {"username": "baru", "full_name": "Orang Baru", "email": "baru@klinik.example", "roles": ["nurse"]}


OWN = "about the own account: nobody else's is reachable"

ROWS = [
    Row("accounts:home", public=True),
    Row("accounts:login", public=True),
    Row("accounts:login", method="POST", public=True, expect=(422,)),
    Row("accounts:portal-login", public=True),
    Row("accounts:portal-login", method="POST", public=True, expect=(422,)),
    Row("accounts:logout", method="POST", public=True),
    Row("accounts:preferences", method="POST", public=True),
    Row("accounts:password-change", holder="nurse", outsider=None, note=OWN),
    Row("accounts:password-change", method="POST", holder="nurse", outsider=None, note=OWN, expect=(422,)),
    Row("accounts:styleguide", holder="nurse"),
    Row("accounts:user-list", colleague="owner"),
    Row("accounts:user-list", method="POST", colleague="owner", data=lambda cast: {"q": "ayu"}),
    Row("accounts:user-create", colleague="receptionist"),
    Row("accounts:user-create", method="POST", colleague="receptionist", data=new_staff),
    Row("accounts:user-edit", a_colleague, colleague="doctor"),
    Row("accounts:user-edit", a_colleague, method="POST", colleague="doctor", data=new_staff),
    Row("accounts:user-roles", a_colleague, method="POST", colleague="owner", data=lambda cast: {"roles": ["cashier"]}),
    Row("accounts:user-deactivate", a_colleague, method="POST", colleague="owner"),
    Row("accounts:user-reactivate", a_colleague, method="POST", colleague="owner"),
    Row("accounts:user-verify", a_colleague, method="POST", colleague="owner"),
    Row("accounts:user-reset-password", a_colleague, method="POST", colleague="owner"),
]
