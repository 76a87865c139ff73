"""Commands as they are typed, and a house that is open again after each test."""

from io import StringIO

import pytest
from django.core.management import call_command

from apps.containment.house import OPEN, lookout

WHO = ("--reason", "something is wrong", "--by", "Ada")


@pytest.fixture(autouse=True)
def open_house():
    """No test inherits another's measures: those that stand are kept in the process too."""
    yield
    lookout.state = OPEN


@pytest.fixture
def contain():
    """What `manage.py contain …` prints; every process has looked when it is back."""

    def containing(*words, who=WHO):
        out = StringIO()
        call_command("contain", *words, *who, stdout=out)
        lookout.look()
        return out.getvalue().strip()

    return containing
