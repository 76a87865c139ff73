"""From an empty folder to a served demo, and what to type then: `make run`."""

import os
import socket
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections

from apps.operations import demo
from saas.crypto import random_text

HOST = "127.0.0.1"  # loopback: the demo speaks HTTP, and its credentials stand on the screen
THREADS = "4"
WELCOME = """
Strongroom is about to serve on {url} from {database},
with a worker beside it for what need not happen within a request; Ctrl-C stops both.
Paste these into another terminal.

Without a credential the answer is 401:

  curl -i {url}/api/v1/customers

The same with the key of Acme's owner, made a moment ago; earlier ones are void:

  curl -i {url}/api/v1/customers -H 'X-API-Key: {key}'

Draft an invoice; sent twice, it is still one invoice:

  curl -i {url}/api/v1/invoices -H 'X-API-Key: {key}' \\
    -H 'Content-Type: application/json' -H 'Idempotency-Key: {idempotency_key}' \\
    -d '{{"customer": "{customer}", "currency": "EUR", "lines": [{line}]}}'

Sign in at {url}/accounts/login/ with one of these passwords, and then
with a code that an authenticator app makes of the key behind it:

{people}

  {url}/docs/       every operation, and what each problem means
  {url}/dev/mail    the mails that the worker would have sent
  .venv/bin/python manage.py seed_demo    everybody and everything else, with fresh secrets

From here on each request leaves one line below.
"""
LINE = '{"description": "Work", "quantity": "2", "unit_price": "49.50", "tax_rate": "19.00"}'


class Command(BaseCommand):
    """`manage.py quickstart`: a second run keeps the data and makes a new key."""

    help = "Migrate, load the demo, say what to type, serve on loopback (PORT, or 8000) and work."

    def handle(self, *args: Any, **options: Any) -> None:
        """Whatever stands in the way is said in one sentence, before anything is changed."""
        demo.refuse_outside_development()
        port = free_port(os.environ.get("PORT") or "8000")
        migrate()
        self.stdout.write(welcome(demo.load(), f"http://localhost:{port}"))
        self.stdout.flush()
        connections.close_all()
        start_worker()
        serve(port)


def migrate() -> None:
    """Bring the tables up to date. Raises CommandError when there is no database to bring."""
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except OperationalError as fault:
        raise CommandError(f"The database does not answer: {fault}") from None


def free_port(asked: str) -> int:
    """The port as a number. Raises CommandError when nothing can be served there."""
    if not (asked.isdecimal() and 0 < int(asked) < 65536):
        raise CommandError(f"PORT is {asked!r}: it must be a number from 1 to 65535.")
    port = int(asked)
    if somebody_answers(port):
        raise CommandError(
            f"Port {port} is taken by another program: stop it, or choose another port,"
            f" as in `PORT={port + 1} make run`."
        )
    try:
        socket.create_server((HOST, port)).close()
    except OSError as fault:
        raise CommandError(f"Port {port} cannot be used: {fault.strerror}.") from None
    return port


def somebody_answers(port: int) -> bool:
    """Whether `localhost` leads to a program already, by any of its addresses."""
    try:
        socket.create_connection(("localhost", port), timeout=1).close()
    except OSError:
        return False
    return True


def welcome(loaded: demo.Entry, url: str) -> str:
    """Where to look and what to type, ready to be pasted."""
    acme = loaded["organizations"][0]
    connection = connections["default"]
    name = str(connection.settings_dict["NAME"]).removeprefix(f"{settings.BASE_DIR}/")
    return WELCOME.format(
        url=url,
        database=f"{connection.display_name} ({name})",
        people="\n".join(
            f"  {one['email']:<24} {one['password']}  {one['totp_secret']}"
            for one in acme["members"]
        ),
        key=acme["api_keys"][0]["secret"],
        customer=acme["customers"][0],
        idempotency_key=random_text(22),
        line=LINE,
    )


def start_worker() -> None:
    """A process beside the server, which ends with it, however that ends."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"]
    subprocess.Popen([*command, "--parent", str(os.getpid())])  # noqa: S603  # nothing here comes from a caller


def serve(port: int) -> None:
    """Become the server, so that Ctrl-C is its own; it runs the checks again before it serves."""
    options = {
        "--interface": "wsgi",
        "--host": HOST,
        "--port": str(port),
        "--workers": "1",  # counters of this process suit one process alone
        "--blocking-threads": THREADS,
        "--working-dir": str(settings.BASE_DIR),
        "--workers-kill-timeout": "2",  # a worker can miss Ctrl-C, and would go on serving
        "--log-level": "warning",
    }
    arguments = [part for option in options.items() for part in option]
    server = [sys.executable, "-m", "granian", *arguments, "config.wsgi:application"]
    os.execv(sys.executable, server)  # noqa: S606  # no shell, and nothing here comes from a caller
