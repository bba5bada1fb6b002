"""Patients may sign in with their telephone number or NIK, found through the blind index."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import User
from core import indonesia
from patients.models import Patient
from patients.search import with_nik, with_phone

SIGNS_OF_NUMBERS = frozenset(" +-().")


def account_of_number(text: str) -> User | None:
    """Return the account of the one patient with this NIK, or the one account behind this telephone number.

    A number that several accounts share names none of them. No statement for text that is no number.
    """
    if any(not sign.isdigit() and sign not in SIGNS_OF_NUMBERS for sign in text):
        return None
    digits = "".join(sign for sign in text if sign.isascii() and sign.isdigit())
    rows: QuerySet[Patient] = Patient.objects.filter(user__isnull=False, status=Patient.Status.ACTIVE)
    if len(digits) == indonesia.NIK_LENGTH and digits != indonesia.NIK_PLACEHOLDER:
        rows = with_nik(rows, digits)
    elif phone := indonesia.phone_or_none(text):
        rows = with_phone(rows, phone)
    else:
        return None
    ids = list(rows.values_list("user_id", flat=True)[:2])
    return User.objects.filter(pk=ids[0], kind=User.Kind.PATIENT).first() if len(ids) == 1 else None
