"""Load the demo and say who is in it, with secrets that are good until the next load."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.operations import demo
from apps.operations.recreate import recreate_database


class Command(BaseCommand):
    """`manage.py seed_demo [--json] [--reset]`, in development only."""

    help = (
        "Load the demo: Acme, Globex, Initech and a stranger. "
        "Run again it keeps ids and makes new secrets."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Two choices."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--reset", action="store_true", help="first empty the database, as its owner"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Load and print."""
        demo.refuse_outside_development()
        if options["reset"]:
            recreate_database()
        loaded = demo.load()
        self.stdout.write(json.dumps(loaded, indent=2) if options["json"] else told(loaded))


def told(loaded: demo.Entry) -> str:
    """The demo in lines for a person."""
    lines = [f"The demo is loaded for {loaded['base_url']}. Secrets of an earlier load are void."]
    for organization in loaded["organizations"]:
        lines += ["", f"{organization['name']}  {organization['id']}"]
        lines += [
            f"  {member['role']:<10}  {member['email']:<27}  {member['password']}"
            for member in organization["members"]
        ]
        lines += [f"  API key {key['name']!r}: {key['secret']}" for key in organization["api_keys"]]
        lines += [
            f"  {len(organization['customers'])} customers, {len(organization['invoices'])} drafts"
        ]
    stranger = loaded["stranger"]
    return "\n".join([*lines, "", f"A member of none: {stranger['email']}  {stranger['password']}"])
