"""The first admin of a clinic."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

import audit
from accounts import services
from core.errors import DomainError


class Command(BaseCommand):
    help = "Create an admin with a one-time password, which is printed once and must be replaced at the first sign-in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="Small letters, digits, dots and hyphens.")
        parser.add_argument("email")
        parser.add_argument("full_name", help="In quotes when it has spaces.")

    @audit.job("create_admin")
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user, password = services.create_first_admin(
                username=options["username"], email=options["email"], full_name=options["full_name"]
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"User name:         {user.username}")
        self.stdout.write(f"One-time password: {password}")
        self.stdout.write("It is not stored in readable form and not shown again. Sign in and replace it.")
