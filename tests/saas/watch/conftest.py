"""A watch that is drained by hand, and scenes that nobody else plays in."""

import secrets

import pytest

from saas.watch import places
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


@pytest.fixture(autouse=True)
def geography(tmp_path, settings):
    """A table of three networks, as a vendor would deliver it."""
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    writer = MMDBWriter(6, "Test-City", ipv4_compatible=True)
    for net, code, latitude, longitude in (
        ("198.51.100.0/24", "DE", 52.52, 13.4),
        ("192.0.2.0/24", "DE", 48.14, 11.58),
        ("203.0.113.0/24", "AU", -33.87, 151.2),
        ("2001:db8:fe::/48", "FR", 48.86, 2.35),
    ):
        point = {"latitude": latitude, "longitude": longitude}
        writer.insert_network(IPSet([net]), {"country": {"iso_code": code}, "location": point})
    settings.SAAS_GEOIP_PATH = str(tmp_path / "city.mmdb")
    writer.to_db_file(settings.SAAS_GEOIP_PATH)
    forget_places()
    yield
    forget_places()


def forget_places():
    """The next look opens the table anew."""
    places.table.cache_clear()
    places.place_of.cache_clear()
