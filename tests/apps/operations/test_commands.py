"""The commands that print: what they say is so."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command, get_commands

from apps.operations.management.commands import access_matrix
from saas.authorization.permissions import roles_with
from saas.checks import secure_views
from saas.context import roles
from tests.deployment import throwaway
from tests.practices import practices
from tests.servers.keeper import make_cluster
from tests.servers.keeper import running as running_server
from tests.servers.places import give_away, postgresql_places

PASSWORDS = {
    "STRONGROOM_OWNER_PASSWORD": "it's the owner's",
    "STRONGROOM_APP_PASSWORD": "app",
    "STRONGROOM_BACKUP_PASSWORD": "backup",
}


def printed(*command: str) -> str:
    """What a command writes."""
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def test_the_access_matrix_has_a_line_for_each_operation():
    heading, *lines = access_matrix.operations()
    assert heading[4:-3] == list(roles())
    expected = sum(
        len([method for method in actions if method != "head"]) for _, _, actions in secure_views()
    )
    assert len(lines) == expected


def test_the_access_matrix_says_what_the_spine_does():
    lines = {(line[1], line[2]): line for line in access_matrix.operations()[1:]}
    for route, view, actions in secure_views():
        for method, operation in actions.items():
            if method == "head":
                continue
            running = view(http=SimpleNamespace(method=method.upper()), action=operation)
            line = lines[method.upper(), "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route)]
            rule = view.operations[operation]
            allowed = [role for role, tick in zip(roles(), line[4:-3], strict=True) if tick]
            assert line[0] == running.operation_id
            assert line[-1] == running.rate
            assert bool(line[-2]) is rule.step_up
            able = {role for permission in rule.permissions for role in roles_with(permission)}
            assert set(allowed) == (set(roles()) if rule.is_open else able)


def test_the_page_of_the_access_matrix_is_what_the_code_declares():
    page = settings.BASE_DIR / "docs" / "access-matrix.md"
    assert page.read_text() == printed("access_matrix", "--markdown"), (
        "Write it anew: manage.py access_matrix --markdown > docs/access-matrix.md"
    )


def test_practices_prints_the_registry():
    heading, *lines = printed("practices").splitlines()
    assert heading.split() == ["id", "tier", "kind", "title"]
    for line, (id, practice) in zip(lines, practices().items(), strict=True):
        assert line.split(maxsplit=3) == [id, practice.tier, practice.kind, practice.title]


def test_create_roles_takes_only_a_plain_name():
    assert "CREATE DATABASE invoices OWNER strongroom_owner;" in printed(
        "create_roles", "--database=invoices"
    )
    for name in ("x; DROP ROLE y", 'a"b', "Upper", ""):
        with pytest.raises(CommandError):
            printed("create_roles", f"--database={name}")


@pytest.fixture(scope="module")
def cluster() -> Iterator[int]:
    """The port of a server that nobody has made a role in; its superuser's password is `super`."""
    with tempfile.TemporaryDirectory(prefix="strongroom-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        give_away(home)
        binaries = next(postgresql_places(home))
        make_cluster(binaries, home, "postgres", "super")

        def command(port: int) -> list[str | Path]:
            options = ["--listen_addresses=127.0.0.1", "--unix_socket_directories=", "--fsync=off"]
            return [binaries / "postgres", "-D", home / "data", "-p", str(port), *options]

        def connect(port: int) -> None:
            connected(port, "postgres", "super", "postgres").close()

        server = running_server(command, connect, psycopg.OperationalError, home, signal.SIGINT)
        with server as (port, _):
            yield port


def connected(port: int, user: str, password: str, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1", port=port, user=user, password=password, dbname=database, autocommit=True
    )


def as_psql(script: str, port: int) -> None:
    """Do what psql would do as the superuser: it is not installed everywhere."""
    values: dict[str, str] = {}
    server = connected(port, "postgres", "super", "postgres")
    code = re.sub(r"(?m)^--.*$", "", script)
    for part in re.split(r"(?m)^(\\.*)$", code):
        match part.split():
            case ["\\getenv", name, variable]:
                values[name] = PASSWORDS[variable]
            case ["\\connect", database]:
                server.close()
                server = connected(port, "postgres", "super", database)
            case ["\\set", "ON_ERROR_STOP", "on"]:
                pass
            case _:
                for statement in part.split(";"):
                    quoted = re.sub(
                        r":'(\w+)'",
                        lambda name: psycopg.sql.quote(values[name[1]]),
                        statement,
                    )
                    if quoted.strip():
                        server.execute(quoted)
    server.close()


@pytest.fixture(scope="module")
def with_roles(cluster: int) -> int:
    """The same server after `create_roles`, and an empty database beside the one that it makes."""
    as_psql(printed("create_roles", "--database=invoices"), cluster)
    with connected(cluster, "postgres", "super", "postgres") as server:
        server.execute("CREATE DATABASE leased OWNER strongroom_owner")
    return cluster


def test_create_roles_makes_roles_that_production_accepts(with_roles):
    cluster = with_roles
    owner = connected(cluster, "strongroom_owner", "it's the owner's", "invoices")
    app = connected(cluster, "strongroom_app", "app", "invoices")
    with owner, app:
        for role in (owner, app):
            row = role.execute(
                "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
                " WHERE rolname = current_user"
            )
            assert row.fetchone() == (False, False, False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("CREATE TABLE in_front_of_ours (id int)")
    url = f"postgres://{{}}:{{}}@127.0.0.1:{cluster}/invoices".format
    environment = os.environ | throwaway()
    environment["DATABASE_OWNER_URL"] = url("strongroom_owner", "it%27s%20the%20owner%27s")
    environment["DATABASE_URL"] = url("strongroom_app", "app")
    for command in (["migrate", "--verbosity=0"], ["check", "--deploy", "--database=default"]):
        subprocess.run([sys.executable, "manage.py", *command], env=environment, check=True)
    asked = (
        "SELECT table_name FROM information_schema.role_table_grants"
        " WHERE grantee = %s AND privilege_type = 'SELECT'"
    )
    with connected(cluster, "postgres", "super", "invoices") as server:
        reads = {
            role: {table for (table,) in server.execute(asked, [role])}
            for role in ("strongroom_reader", "strongroom_auditor")
        }
    assert {"customers_customer", "invoices_invoice"} <= reads["strongroom_reader"]
    assert not reads["strongroom_reader"] & {"persistence_datakey", "persistence_outboxentry"}
    assert reads["strongroom_auditor"] == {
        "audit_auditentry",
        "audit_audithead",
        "audit_refusaltally",
    }


LEASED = """
import json, sys, threading, django
from django.conf import settings
django.setup()
from django.db import close_old_connections, connection, transaction
from apps.accounts.models import User
failed, done, over = [], [0], threading.Event()

def serve():
    try:
        while not over.is_set():
            close_old_connections()  # as at the beginning of each request
            try:
                User.objects.count()  # outside of a transaction, as a page looks for its session
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('app.tenant', '', true)")
                    cursor.execute("SELECT count(*) FROM django_content_type")
                done[0] += 1
                over.wait(0.02)
            except Exception as fault:
                failed.append(repr(fault))
    finally:
        connection.close()

threads = [threading.Thread(target=serve) for _ in range(4)]
for thread in threads: thread.start()
sys.stdin.readline()
over.set()
for thread in threads: thread.join()
print(json.dumps([done[0], failed]))
"""


@pytest.mark.practice("DATA-08")
def test_a_password_that_ends_under_load_costs_nobody_a_request(with_roles, tmp_path):
    cluster = with_roles
    url = f"postgres://{{}}:{{}}@127.0.0.1:{cluster}/leased".format
    file = tmp_path / "password"
    file.write_text("app")
    environment = os.environ | throwaway() | {
        "DATABASE_OWNER_URL": url("strongroom_owner", "it%27s%20the%20owner%27s"),
        "DATABASE_URL": url("strongroom_app", "of-no-use"),
        "DATABASE_PASSWORD_FILE": str(file),
    }  # fmt: skip
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, env=environment, check=True)
    pipe = subprocess.PIPE
    serving = subprocess.Popen([sys.executable, "-c", LEASED], env=environment, stdin=pipe,
                               stdout=pipe, text=True)  # fmt: skip
    with connected(cluster, "postgres", "super", "leased") as server:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'strongroom_app'" \
              " AND state = 'idle'"  # fmt: skip
        deadline = time.monotonic() + 60
        there = cut.replace("pg_terminate_backend(pid)", "pid")
        while len(server.execute(there).fetchall()) < 3:
            assert time.monotonic() < deadline
        time.sleep(0.5)
        for number in range(3):
            server.execute(f"ALTER ROLE strongroom_app PASSWORD 'number-{number}'")
            server.execute(cut)
            (tmp_path / "next").write_text(f"number-{number}\n")
            os.replace(tmp_path / "next", file)
            time.sleep(0.2)
        server.execute("ALTER ROLE strongroom_app PASSWORD 'app'")
    said, _ = serving.communicate("\n", timeout=60)
    done, failed = json.loads(said)
    assert failed == []
    assert done > 20


README = (settings.BASE_DIR / "README.md").read_text()


def test_the_readme_asks_the_questions_of_the_corridor():
    rooms = re.findall(r"^\| (\d+) \| \[`saas/(\w+)`\]\(.+?\) \| (.+?) \| \[", README, re.M)
    assert len(rooms) == 11
    for number, room, question in rooms:
        assert import_module(f"saas.{room}").__doc__ == question
        assert f"docs/path/{int(number):02}-{room}.md" in README


def test_the_readme_links_to_what_exists():
    for link in re.findall(r"\]\(([^)#]+)", README):
        assert (settings.BASE_DIR / link).exists(), link


def test_the_readme_names_commands_that_exist():
    for name in re.findall(r"manage\.py (\w+)", README):
        assert name in get_commands(), name
    makefile = (settings.BASE_DIR / "Makefile").read_text()
    for target in re.findall(r"`make (\w+)`", README):
        assert re.search(rf"^{target}:", makefile, re.M), target
