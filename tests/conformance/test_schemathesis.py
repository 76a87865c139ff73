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
WHOLE = "examples,coverage,fuzzing,stateful"  # coverage alone is thousands of requests
# By these the fuzzer takes its own key or role away, and from then on reads only 401 and 403: they
# are called after everything else, with what makes the rows that they need.
HARM = r"(members\.(partial_update|destroy)|(api-keys|integrations)\.destroy|api-key-rotations.*)"
RUNS = {
    "--exclude-operation-id-regex": f"^{HARM}$",
    "--include-operation-id-regex": rf"^({HARM}|(members|integrations)\.list|api-keys\.create)$",
}


def fuzz(
    address: str, secret: str, rows: dict[str, list[dict[str, str]]], *options: str
) -> subprocess.CompletedProcess[str]:
    """One run of every check, with the configuration that a clone ships."""
    given = {
        "--checks": "all",
        "--workers": "2",
        "--request-timeout": "20",
    }
    command = [sys.executable, "-m", "schemathesis.cli", "run", "--no-color", *options]
    command += [part for option in given.items() for part in option]
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
@pytest.mark.parametrize(
    ("phases", "examples"),
    [("examples,fuzzing,stateful", 2), pytest.param(WHOLE, 20, marks=pytest.mark.drill)],
)
def test_the_fuzzer_finds_no_answer_that_the_document_does_not_know(
    committed, tmp_path, phases, examples
):
    acme = make_tenant("Acme")
    rows = {
        f"/api/v1/{path}": [ids(path, sample.row(acme)) for _ in range(5)]
        for path, sample in SAMPLES.items()
        if sample.row
    }
    log = tmp_path / "server.log"
    with serving(log) as address:
        for option, names in RUNS.items():
            how = ("--phases", phases, "--max-examples", str(examples), option, names)
            run = fuzz(address, acme.owner.secret, rows, *how)
            print(run.stdout)
            assert run.returncode == 0, f"{run.stdout}\n{run.stderr}\n{log}"
