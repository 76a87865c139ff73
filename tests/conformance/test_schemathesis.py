"""A stranger who has nothing but the document finds nothing that it does not say."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests.cast import make_tenant
from tests.conformance.server import serving
from tests.conftest import SQLITE

pytestmark = pytest.mark.skipif(SQLITE, reason="one writer at a time: the fuzzer would only wait")

EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "5")
# By these the fuzzer would take its own key or role away, and then only ever read 401 and 403.
SELF_HARM = r"^(members\.(partial_update|destroy)|(api-keys|integrations)\.destroy|api-key-rot.*)$"


def fuzz(address: str, secret: str, *filters: str) -> subprocess.CompletedProcess[str]:
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
        env={**os.environ, "STRONGROOM_API_KEY": secret},
        capture_output=True,
        text=True,
    )


@pytest.mark.practice("VERS-05")
def test_the_fuzzer_finds_no_answer_that_the_document_does_not_know(committed, tmp_path):
    owner = make_tenant("Acme").owner
    log = tmp_path / "server.log"
    with serving(log) as address:
        for filters in ("--exclude-operation-id-regex", "--include-operation-id-regex"):
            run = fuzz(address, owner.secret, filters, SELF_HARM)
            print(run.stdout)
            assert run.returncode == 0, f"{run.stdout}\n{run.stderr}\n{log}"
