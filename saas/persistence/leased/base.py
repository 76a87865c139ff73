"""A connection asks for the password of the moment when it is made, and is made again when it was
cut before the first statement of a transaction: a password that ends while we serve costs nobody
their request (DATA-08).
"""

import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base
from django.db.backends.signals import connection_created
from django.db.backends.utils import CursorWrapper
from django.db.utils import InterfaceError, OperationalError
from psycopg.pq import TransactionStatus

PAUSES = (0.1, 0.3, 0.6)  # seconds, while one password ends and the next is not yet written down
PATIENCE = 5  # seconds that the command may take


def password() -> str:
    """The password of the moment: what DATABASE_PASSWORD_FILE holds, or what
    DATABASE_PASSWORD_COMMAND prints. Raises OperationalError when there is none to be had.
    """
    try:
        if settings.DATABASE_PASSWORD_FILE:
            return Path(settings.DATABASE_PASSWORD_FILE).read_text().strip()
        command = shlex.split(settings.DATABASE_PASSWORD_COMMAND)
        told = subprocess.run(  # noqa: S603  # the operator's own words, and no shell
            command, capture_output=True, check=True, text=True, timeout=PATIENCE
        )
        return told.stdout.strip()
    except (OSError, subprocess.SubprocessError) as fault:
        # Neither the words nor what was printed: either may hold a secret.
        raise OperationalError(f"no password for the database: {type(fault).__name__}") from None


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, with a password that is asked for at each new connection."""

    def get_connection_params(self) -> dict[str, Any]:
        """The owner, who migrates, has a password of their own."""
        params: dict[str, Any] = super().get_connection_params()
        if self.is_leased:
            params["password"] = password()
        return params

    @property
    def is_leased(self) -> bool:
        """Whether this is the role that serves."""
        return bool(self.settings_dict["USER"] == settings.DATABASE_ROLE)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Refused, it asks for the password again: it may have changed on the way."""
        for pause in (*PAUSES, None):
            try:
                return super().get_new_connection(conn_params)
            except self.Database.OperationalError as fault:
                if pause is None or not self.is_leased or "password" not in str(fault):
                    raise
                time.sleep(pause)
                conn_params |= {"password": password()}
        return None

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        """One that notices a connection that was cut."""
        return _Cursor(cursor, self)

    def connect_again(self) -> Any:
        """A new connection, for a transaction that has only begun too, and a cursor on it."""
        with self.wrap_database_errors:
            self.connection = self.get_new_connection(self.get_connection_params())
            self.connection.autocommit = self.autocommit
            self.init_connection_state()
            self.errors_occurred = False
            self.closed_in_transaction = False
            connection_created.send(sender=self.__class__, connection=self)
            return self.create_cursor()


class _Cursor(CursorWrapper):
    """Django's own. What was lost with the connection is sent again only if nothing can have been
    done: in a transaction before its first statement, and outside of one what only reads.
    """

    def _execute(self, sql: str, params: Any, *context: Any) -> Any:
        is_free = self.db.connection.info.transaction_status == TransactionStatus.IDLE
        reads = not self.db.in_atomic_block and str(sql).startswith("SELECT ")
        has_just_begun = is_free and (
            reads or (self.db.in_atomic_block and not self.db.savepoint_ids)
        )
        try:
            return super()._execute(sql, params, *context)  # type: ignore[misc]  # the stubs leave it out
        except (OperationalError, InterfaceError) as fault:
            if not has_just_begun or not was_cut(fault):
                raise
            self.cursor = self.db.connect_again()
            return super()._execute(sql, params, *context)  # type: ignore[misc]  # as above


def was_cut(fault: Exception) -> bool:
    """Whether the connection itself is gone: nobody answered, or the server said goodbye."""
    code = getattr(fault.__cause__, "sqlstate", None)
    return code is None or code.startswith(("08", "57P"))
