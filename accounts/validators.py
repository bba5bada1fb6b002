"""What a new password must be, as a validator and as the form field that shows it."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from django import forms
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

MIN_LENGTH = 12
MAX_LENGTH = 128  # a limit only against abuse: hashing reads every byte
# Unicode categories, so that "É" is a capital letter here as it is in the browser's own check.
KINDS: dict[str, tuple[str, str | Promise]] = {
    "upper": ("Lu", gettext_lazy("an upper-case letter")),
    "lower": ("Ll", gettext_lazy("a lower-case letter")),
    "digit": ("Nd", gettext_lazy("a digit")),
}


class StrongPasswordValidator(MinimumLengthValidator):
    """Length and kinds of characters, with everything that is missing in one sentence.

    Source: clinic's requirement of upper case, lower case and digits; the length follows NIST SP 800-63B, 5.1.1.
    """

    def validate(self, password: str, user: Any = None) -> None:
        found = {unicodedata.category(letter) for letter in password}
        missing = [str(label) for category, label in KINDS.values() if category not in found]
        if len(password) < self.min_length:
            missing.insert(0, _("at least %(count)d characters") % {"count": self.min_length})
        if missing:
            listed = ", ".join(missing)
            raise ValidationError(_("The password still needs: %(missing)s.") % {"missing": listed}, code="weak")
        if len(password) > MAX_LENGTH:
            raise ValidationError(
                ngettext(
                    "Use at most %(count)d character for the password.",
                    "Use at most %(count)d characters for the password.",
                    MAX_LENGTH,
                )
                % {"count": MAX_LENGTH},
                code="too_long",
            )

    def get_help_text(self) -> str:
        return str(PASSWORD_HELP)


PASSWORD_HELP = gettext_lazy(
    "At least 12 characters with an upper-case letter, a lower-case letter and a digit. Several words in a row work well;"
    " your name and passwords that many people use are refused."
)


class NewPasswordInput(forms.PasswordInput):
    """A field for a new password; a script ticks off the rules while it is filled."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        # Here and not in the class: the words belong to the language of the page.
        rules = {
            "length": _("at least %(count)d characters") % {"count": MIN_LENGTH},
            **{kind: str(label) for kind, (_category, label) in KINDS.items()},
        }
        words = {
            "title": _("The password needs:"),
            "met": _("done"),
            "open": _("missing"),
            "all": _("Nothing is missing."),
        }
        context = super().get_context(name, value, attrs)
        context["widget"]["attrs"] |= {"data-password-rules": json.dumps({"rules": rules, "words": words})}
        return context


class NewPasswordField(forms.CharField):
    """A new password. Typed once: the field can be shown, and password managers fill it."""

    widget = NewPasswordInput(attrs={"autocomplete": "new-password", "minlength": MIN_LENGTH})

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", gettext_lazy("New password"))
        options.setdefault("help_text", PASSWORD_HELP)
        super().__init__(strip=False, max_length=MAX_LENGTH, **options)
