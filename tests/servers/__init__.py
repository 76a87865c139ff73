"""Every run has a real PostgreSQL and Redis: the environment's, or its own for as long as it lasts.

pytest loads this package (`-p tests.servers`) before Django reads its settings; `__main__.py` does
the same for any other command; `keeper.py` holds the servers; `places.py` knows where they may be.
"""

import atexit
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

URLS = {"PostgreSQL": ("DATABASE_URL", "DATABASE_OWNER_URL"), "Redis": ("REDIS_URL",)}
REPORT = pytest.StashKey[str]()


class Missing(Exception):
    """A server that the run needs is not to be had; the message names it and what was tried."""


def provide() -> str:
    """Set the variables of URLS that the environment lacks; say in a line what the run stands on.

    Raises Missing. An xdist worker inherits its controller's variables and starts nothing.
    """
    if os.environ.get("SAAS_TEST_DATABASE") == "sqlite":
        for name in itertools.chain(*URLS.values()):
            os.environ.pop(name, None)
        return "SQLite and counters in this process"
    wanted = []
    for server, variables in URLS.items():
        unset = [name for name in variables if not os.environ.get(name)]
        if unset and len(unset) < len(variables):
            raise Missing(f"{server}: set both of {' and '.join(variables)}, or neither.")
        if unset:
            wanted.append(server)
    return start_keeper(wanted) if wanted else f"{' and '.join(URLS)} of the environment"


def start_keeper(servers: list[str]) -> str:
    """Start a process that keeps the servers until the end of this one (see keeper.py)."""
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.keeper", *servers],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches the tests alone, which still need their servers
    )

    def stop() -> None:
        keeper.terminate()
        keeper.communicate()

    atexit.register(stop)
    assert keeper.stdout
    line = keeper.stdout.readline()
    if not line:
        raise Missing(f"{' and '.join(servers)}: the keeper ended before its time, see above.")
    answer = json.loads(line)
    if "missing" in answer:
        raise Missing("\n".join(answer["missing"]))
    os.environ.update(answer["environment"])
    return ", ".join(answer["started"])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Come before pytest-django's own hook, which reads the settings; fail the run, never skip."""
    try:
        early_config.stash[REPORT] = provide()
    except Missing as reason:
        raise pytest.UsageError(f"the tests need their servers.\n{reason}") from None
    yield


def pytest_report_header(config: pytest.Config) -> str:
    return f"servers: {config.stash[REPORT]}"
