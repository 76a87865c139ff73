"""Back up, hold, verify, release: what a restore is made of."""

import hashlib
import json
import os
import shutil
import subprocess
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from apps.recovery import home, manifest, verification


class Command(BaseCommand):
    """`manage.py recover backup FILE`, `hold`, `verify --manifest FILE.json [--release]`."""

    help = "Back up with a manifest; hold a copy; verify it, and let it work if nothing is wrong."
    requires_system_checks: list[str] = []  # a copy that fails them is what this is about

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Three acts."""
        acts = parser.add_subparsers(dest="act", required=True)
        backup = acts.add_parser("backup", help="dump the database, and write FILE.json beside it")
        backup.add_argument("file", type=Path)
        backup.add_argument("--pg-dump", default=shutil.which("pg_dump"), help="the program")
        acts.add_parser("hold", help="let nothing work here until it has been verified")
        verify = acts.add_parser("verify", help="exit code 1 when anything is wrong")
        verify.add_argument("--manifest", type=Path, required=True, help="FILE.json of the backup")
        verify.add_argument("--accept-loss", action="store_true", help="what is younger is lost")
        verify.add_argument("--release", action="store_true", help="let it work, if all is well")

    def handle(self, *args: Any, **options: Any) -> None:
        """One act."""
        if connection.vendor != "postgresql" or not settings.DATABASE_BACKUP:
            raise CommandError("This needs PostgreSQL, and DATABASE_BACKUP_URL (create_roles).")
        getattr(self, options["act"])(options)

    def backup(self, options: dict[str, Any]) -> None:
        """One snapshot for the dump and for the manifest, so that they say the same."""
        file: Path = options["file"]
        if not options["pg_dump"]:
            raise CommandError("pg_dump is not on PATH; name it with --pg-dump.")
        with manifest.connected() as session:
            session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            [(snapshot,)] = session.execute("SELECT pg_export_snapshot()").fetchall()
            taken_at = datetime.now(UTC).isoformat(timespec="milliseconds")
            half = file.with_name(f"{file.name}.half")
            half.unlink(missing_ok=True)
            half.touch(0o600)  # it holds everybody's rows
            dump(options["pg_dump"], snapshot, half)
            about = {"taken_at": taken_at, "sha256": digest(half)} | manifest.of(session)
        file.with_name(f"{file.name}.json").write_text(json.dumps(about, indent=1))
        rows = sum(count for count, _ in about["rows"].values())
        half.rename(file)  # last: a file of this name is whole
        self.stdout.write(f"{file}: as of {taken_at}, {rows} rows")

    def hold(self, options: dict[str, Any]) -> None:
        """For a copy of all files, which has the place of its original."""
        home.hold()
        self.stdout.write("held: no worker does anything, and /health/ready says no")

    def verify(self, options: dict[str, Any]) -> None:
        """Every check, whatever the one before has found. Only who finds nothing may release."""
        try:
            expected = json.loads(options["manifest"].read_text())
        except (OSError, ValueError):
            raise CommandError("The manifest cannot be read.") from None
        wrong = 0
        for check in verification.CHECKS:
            found = verification.faults(check, expected)
            wrong += len(found)
            self.stdout.write(f"{check}: {f'{len(found)} wrong' if found else 'good'}")
            for fault in found[:20]:
                self.stdout.write(f"  {fault}")
        if wrong:
            raise CommandError(f"{wrong} wrong. This copy stays held.")
        lost = verification.losses()
        for loss in lost:
            self.stdout.write(
                f"lost: {loss.entries} entries of {loss.tenant_id} behind {loss.seq};"
                f" {loss.living} revoked credentials or members live here again"
            )
        if lost and not options["accept_loss"]:
            raise CommandError("Something is lost: find a younger backup, or --accept-loss.")
        if options["release"]:
            self.release(lost)

    def release(self, lost: list[verification.Loss]) -> None:
        """All of it or nothing."""
        with transaction.atomic():
            for loss in lost:
                verification.mend(loss)
            resting = verification.let_rest()
            home.release()
        self.stdout.write(f"released; {resting} that may have gone out already rest with the dead")


def dump(program: str, snapshot: str, file: Path) -> None:
    """pg_dump in its own format: one file, and any part of it can be looked at alone."""
    served, role = connection.settings_dict, settings.DATABASE_BACKUP or {}
    command = [program, "--format=custom", f"--snapshot={snapshot}", f"--file={file}"]
    command += [f"--host={served['HOST']}", f"--port={served['PORT']}"]
    command += [f"--username={role['USER']}", "--no-password", str(served["NAME"])]
    ended = subprocess.run(  # noqa: S603  # a program that the operator names
        command,
        env={"PATH": os.defpath, "PGPASSWORD": role["PASSWORD"]},
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        raise CommandError(f"pg_dump: {ended.stderr.strip()}")


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
