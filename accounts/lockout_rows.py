"""What wrong tries leave in the database: who, where, when and how often; nothing of what was sent with them."""

from __future__ import annotations

import copy
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.http import HttpRequest, QueryDict


class Handler(AxesDatabaseHandler):
    """axes' own, which would also keep the fields of the form: a new password beside a mistyped present one, an address."""

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> None:
        if request is None:
            return
        bare = copy.copy(request)
        bare.GET = bare._post = QueryDict()  # type: ignore[attr-defined, assignment]
        super().user_login_failed(sender, credentials, bare, **kwargs)
        vars(request).update({name: value for name, value in vars(bare).items() if name.startswith("axes_")})
