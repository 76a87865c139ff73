"""The one statement that finds a token brings its key along, while the module is there."""

import pytest
from django.core.management import call_command
from django.db import connection

from saas.authentication.dpop.resource import BOUND_TO
from saas.authentication.lookup import TOKEN
from saas.persistence import guards
from tests.cast import make_tenant
from tests.oauth import bearer, make_service, service_token
from tests.saas.authentication.dpop.prover import READ, Prover
from tests.saas.wire import on_postgresql, send

pytestmark = pytest.mark.practice("AUTHN-14")


@on_postgresql
def test_a_module_that_is_taken_away_leaves_a_look_up_that_works(committed):
    acme, prover = make_tenant("Acme"), Prover()
    bound = prover.service_token(acme, READ)
    plain = service_token(make_service(acme, READ), READ).json()["access_token"]
    TOKEN.columns.remove(BOUND_TO)
    try:
        [gone] = guards.missing(connection)
        assert gone.name.startswith("saas_prove_token")
        assert "dpop" not in "".join(gone.statements)
        call_command("migrate", verbosity=0)
        assert guards.missing(connection) == []
    finally:
        TOKEN.columns.append(BOUND_TO)
    assert send("GET", headers=bearer(plain)).status_code == 500  # no row is read by halves
    call_command("migrate", verbosity=0)
    assert guards.missing(connection) == []
    assert prover.get(bound).status_code == 200
    assert send("GET", headers=bearer(plain)).status_code == 200
