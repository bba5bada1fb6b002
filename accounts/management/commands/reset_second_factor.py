"""Second factors of an account whose owner lost them and whom nobody else can help."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import factor_resets, names
from core.errors import DomainError


class Command(BaseCommand):
    help = (
        "Remove all authenticator apps, passkeys and backup codes of an account, for instance of the only admin. The owner is "
        "told by mail and sets up a new one at the next sign-in. Make sure first that it is really this person who asks."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = names.account_named(options["username"])
        if user is None:
            raise CommandError("There is no account with this user name.")
        try:
            factor_resets.reset_by_operator(user_id=user.pk)
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Removed. {user.username} sets up a new second step at the next sign-in.")
