"""A stranger who has nothing but the document finds nothing that it does not say."""

import json
import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

from tests.cast import make_tenant
from tests.conformance.server import serving
from tests.conftest import SQLITE
from tests.matrix.samples import SAMPLES, Row

pytestmark = pytest.mark.skipif(SQLITE, reason="one writer at a time: the fuzzer would only wait")

PARAMETER = re.compile(r"\{(\w+)\}")
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "3")
# By these the fuzzer takes its own key or role away, and from then on reads only 401 and 403: they
# are called after everything else, with what makes the rows that they need.
HARM = r"(members\.(partial_update|destroy)|(api-keys|integrations)\.destroy|api-key-rotations.*)"
RUNS = {
    "--exclude-operation-id-regex": f"^{HARM}$",
    "--include-operation-id-regex": rf"^({HARM}|(members|integrations)\.list|api-keys\.create)$",
}


def fuzz(
    address: str, secret: str, rows: dict[str, list[dict[str, str]]], *filters: str
) -> subprocess.CompletedProcess[str]:
    """One run of every check in every phase, with the configuration that a clone ships."""
    options = {
        "--checks": "all",
        "--phases": "examples,coverage,fuzzing,stateful",
        "--max-examples": EXAMPLES,
        "--workers": "2",
        "--request-timeout": "20",
    }
    command = [sys.executable, "-m", "schemathesis.cli", "run", "--no-color", *filters]
    command += [part for option in options.items() for part in option]
    return subprocess.run(
        [*command, f"{address}/api/v1/openapi.json"],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "STRONGROOM_API_KEY": secret,
            "SCHEMATHESIS_HOOKS": "tests.conformance.hooks",
            "CONFORMANCE_ROWS": json.dumps(rows),
        },
        capture_output=True,
        text=True,
    )


def ids(path: str, row: Row) -> dict[str, str]:
    """The ids of a row, by the names that they have in its path."""
    return dict(
        zip(PARAMETER.findall(path), row if isinstance(row, tuple) else (row,), strict=True)
    )


@pytest.mark.practice("VERS-05")
def test_the_fuzzer_finds_no_answer_that_the_document_does_not_know(committed, tmp_path):
    acme = make_tenant("Acme")
    rows = {
        f"/api/v1/{path}": [ids(path, sample.row(acme)) for _ in range(5)]
        for path, sample in SAMPLES.items()
        if sample.row
    }
    log = tmp_path / "server.log"
    with serving(log) as address:
        for option, names in RUNS.items():
            run = fuzz(address, acme.owner.secret, rows, option, names)
            print(run.stdout)
            assert run.returncode == 0, f"{run.stdout}\n{run.stderr}\n{log}"
