"""The SQL of the roles: one owns the tables and migrates, one serves and owns nothing; two more are
for persons, to read and to audit.
"""

import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
SQL = r"""
-- For psql, as a superuser, once for each cluster:
--   export STRONGROOM_OWNER_PASSWORD=… STRONGROOM_APP_PASSWORD=…
--   export STRONGROOM_BACKUP_PASSWORD=…
--   manage.py create_roles | psql --no-psqlrc --username=postgres --dbname=postgres
\set ON_ERROR_STOP on
\getenv owner_password STRONGROOM_OWNER_PASSWORD
\getenv app_password STRONGROOM_APP_PASSWORD
\getenv backup_password STRONGROOM_BACKUP_PASSWORD
-- Else the server's log could keep the passwords.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';

-- Owns the tables: only `migrate` connects as this role. The tests need CREATEDB as well.
CREATE ROLE strongroom_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB
    PASSWORD :'owner_password';
-- Serves: row security binds it. `migrate` grants it rows, and never more than it needs.
CREATE ROLE strongroom_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB
    PASSWORD :'app_password';
-- For persons, who are granted one of them: to read rows, or the trail alone. Row security binds
-- both, and `migrate` grants them what they may read.
CREATE ROLE strongroom_reader NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB;
CREATE ROLE strongroom_auditor NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB;
-- Makes backups: row security would hide rows from them. It reads everything, so nobody serves by
-- it, and its password stands where backups are made and nowhere else.
CREATE ROLE strongroom_backup LOGIN NOSUPERUSER BYPASSRLS NOCREATEROLE NOCREATEDB
    IN ROLE pg_read_all_data PASSWORD :'backup_password';

CREATE DATABASE {database} OWNER strongroom_owner;
-- Whoever has an account on this server has none here.
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database}
    TO strongroom_app, strongroom_reader, strongroom_auditor, strongroom_backup;

\connect {database}
-- A role that could make a table or a function here could put one in front of ours.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO strongroom_app, strongroom_reader, strongroom_auditor;
"""


class Command(BaseCommand):
    """`manage.py create_roles [--database NAME]`: prints, and connects to nothing."""

    help = "Print the SQL that makes the database and its roles, for psql."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The name of the database."""
        parser.add_argument("--database", default="strongroom", help="its name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        if not NAME.fullmatch(options["database"]):
            raise CommandError("The name of a database has small letters, digits and underscores.")
        self.stdout.write(SQL.format(database=options["database"]).strip())
