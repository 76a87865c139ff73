"""A watch that is drained by hand, and scenes that nobody else plays in."""

import secrets

import pytest

from saas.watch.feed import Watch
from saas.watch.lines import Scene


@pytest.fixture
def scene(acme):
    """A key of Acme, and a network that no other test counts."""
    host = secrets.randbelow(1 << 24)
    ip = f"100.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}"
    clerk = acme.clerk
    return Scene(str(clerk.key.pk), str(acme.id), str(clerk.user.pk), ip)


@pytest.fixture
def found():
    """What the watch under test has reported."""
    return []


@pytest.fixture
def watching(found):
    """A function that plays lines by their own clock, and tells what was found."""

    def playing(lines, **options):
        watch = Watch(live=False, tell=found.append, **options)
        for at in range(0, len(lines), 1000):
            for line in lines[at : at + 1000]:
                watch(line)
            watch.drain(replayed=True)
        return found

    return playing
