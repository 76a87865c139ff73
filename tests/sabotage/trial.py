"""`python -m tests.sabotage.trial MODULE ALIVE TEST…` runs tests on the tree that it stands in.

ALIVE is a test that must pass whatever was changed: a change that breaks everything is noticed by
any test, and so proves nothing. It ends with one of the exit codes of Verdict, none of which
Python gives by itself.
"""

import os
import sys
import traceback
from enum import IntEnum
from importlib import import_module

import pytest


class Verdict(IntEnum):
    """What became of one trial: all passed; a test failed, so it noticed the change; or nothing is
    proved, because the changed code cannot be imported or no test came to its end.
    """

    GREEN = 80
    RED = 81
    VOID = 82


class Witness:
    """Tells a test that failed from one that could not start, and one that passed from a skip."""

    def __init__(self, alive: str) -> None:
        self.alive = alive
        self.verdict: Verdict | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The first report that is no pass decides."""
        if self.verdict not in (None, Verdict.GREEN):
            return
        if report.failed:
            judges = report.when == "call" and report.nodeid != self.alive
            self.verdict = Verdict.RED if judges else Verdict.VOID
        elif report.skipped:
            self.verdict = Verdict.VOID
        elif report.when == "call" and report.nodeid != self.alive:
            self.verdict = Verdict.GREEN


def try_tests(module: str, alive: str, tests: list[str]) -> Verdict:
    """Import the changed module as a server would, then run the tests until one fails."""
    try:
        prepare(module)
    except Exception:
        traceback.print_exc()
        return Verdict.VOID
    witness = Witness(alive)
    options = ["-x", "-q", "--no-header", "-p", "no:randomly", "-p", "no:cacheprovider"]
    code = pytest.main([*options, alive, *tests], plugins=[witness])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or witness.verdict is None:
        return Verdict.VOID
    return witness.verdict


def prepare(module: str) -> None:
    """Raise whatever a server would raise that starts on this tree."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    import django  # after the settings are named

    django.setup()
    from django.conf import settings

    import_module(settings.ROOT_URLCONF)
    import_module(module)


if __name__ == "__main__":
    sys.exit(try_tests(sys.argv[1], sys.argv[2], sys.argv[3:]))
