"""Operators with keys of their own, for tests of commands that two of them answer for."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command


def run(*arguments: str, **options: Any) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue().strip()


def hired(settings: Any, folder: Path, *names: str) -> dict[str, Path]:
    """The key files of new operators, whose names are believed no more."""
    files = {name: folder / f"{name}.key" for name in names}
    halves = {name: run("approve", new=True, key=file) for name, file in files.items()}
    settings.SAAS_OPERATOR_KEYS = halves
    return files


def signed(file: Path, text: str, **options: Any) -> str:
    """What an operator's own command prints."""
    return run("approve", text, key=file, **options)


def wanted(*command: str) -> str:
    """The text that a command says it wants signed, and does nothing without."""
    with pytest.raises(CommandError, match="Not signed by") as told:
        run(*command)
    line = str(told.value).splitlines()[1].strip()
    return line.removeprefix("manage.py approve '").removesuffix("' --key FILE")
