"""The same scenes, played with the product's own routes and roles."""

import pytest

from saas.watch import places
from saas.watch.detectors.admin_operations import admin_operations
from tests.saas.watch.conftest import found as found
from tests.saas.watch.conftest import scene as scene
from tests.saas.watch.conftest import watching as watching


@pytest.fixture(autouse=True)
def own_declarations():
    """What only admins may do is read anew: the kit's tests have other routes and roles."""
    admin_operations.cache_clear()
    yield
    admin_operations.cache_clear()


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
