#!/usr/bin/env python
"""Run management commands; development settings unless DJANGO_SETTINGS_MODULE says otherwise."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emr.settings.development")
    from django.core.management import execute_from_command_line

    from core.keys import KeysError

    try:
        execute_from_command_line(sys.argv)
    except KeysError as error:  # a sentence that says what to do, not a traceback
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
