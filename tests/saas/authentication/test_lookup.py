"""The one query before a tenant is known sees the one row whose secret was shown."""

from dataclasses import replace

import pytest
from django.db import connection, transaction

from apps.integrations.models import ApiKey
from saas.authentication import lookup
from saas.authentication.models import UsableKeys
from saas.crypto import digest
from saas.errors import Problem
from saas.tenancy.binding import bind
from saas.tenancy.entrance import entered
from tests.cast import make_tenant
from tests.saas.walls import as_owner
from tests.saas.wire import on_postgresql

pytestmark = [pytest.mark.practice("AUTHZ-02"), pytest.mark.practice("AUTHN-05")]


def visible():
    """The keys that the database shows to a query without any filter."""
    return {key.pk for key in UsableKeys(ApiKey)}


@on_postgresql
def test_row_security_shows_no_key_but_the_one_whose_digest_was_shown(committed):
    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    with transaction.atomic():
        assert visible() == set()
        with lookup.credential_shown(digest(globex.owner.secret)):
            assert visible() == {globex.owner.key.pk}
        with bind(acme.id):  # binding a tenant forgets the credential in the same statement
            assert visible() == {member.key.pk for member in acme.members}
        assert visible() == set()
    assert visible() == set()


@on_postgresql
def test_what_was_shown_is_forgotten_with_the_transaction(committed):
    acme = make_tenant("Acme")
    with transaction.atomic(), lookup.credential_shown(digest(acme.owner.secret)):
        assert visible()
    assert visible() == set()


@on_postgresql
def test_the_shown_row_can_be_read_and_not_written(committed):
    acme = make_tenant("Acme")
    with transaction.atomic(), lookup.credential_shown(digest(acme.owner.secret)):
        assert UsableKeys(ApiKey).update(revoked_at=None, scopes=["everything"]) == 0
        assert visible()


@pytest.mark.core
def test_the_principal_is_what_the_row_says_and_holds_no_secret(acme):
    principal = lookup.key_principal(acme.clerk.secret)
    assert principal
    assert (principal.tenant_id, principal.user_id) == (acme.id, acme.clerk.user.pk)
    assert principal.id == principal.credential_id == acme.clerk.key.pk
    assert principal.scopes == frozenset(acme.clerk.key.scopes)
    assert acme.clerk.secret not in repr(principal)
    assert lookup.key_principal(acme.clerk.secret + "x") is None


@on_postgresql
@pytest.mark.practice("AUTHZ-06")
def test_the_statement_that_proves_a_caller_tells_the_tenant_and_no_more(committed):
    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    with transaction.atomic():
        principal = lookup.key_principal(acme.clerk.secret)
        assert principal.seen == (acme.id, "clerk", None)
        assert visible() == {
            member.key.pk for member in acme.members
        }  # and the digest is forgotten
    assert visible() == set()
    with transaction.atomic():
        assert lookup.key_principal(globex.clerk.secret + "x") is None
        assert visible() == set()
    assert lookup.key_principal(acme.clerk.secret).seen is None  # nothing that lasts was told


@on_postgresql
@pytest.mark.practice("AUTHZ-03")
def test_what_was_seen_in_one_transaction_opens_nothing_in_the_next(committed):
    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    with transaction.atomic():
        principal = lookup.key_principal(acme.clerk.secret)
    with entered(principal, None):
        assert visible() == set()
    moved = replace(principal, tenant_id=globex.id)  # seen elsewhere: asked again, and a stranger
    with pytest.raises(Problem), transaction.atomic(), entered(moved, None):
        pass


@on_postgresql
def test_the_look_up_stands_behind_the_walls(committed):
    acme = make_tenant("Acme")
    assert acme.owner.get("notes").status_code == 200
    as_owner("DROP POLICY readable_by_digest ON integrations_apikey")
    assert acme.owner.get("notes").status_code == 401


@pytest.mark.core
@pytest.mark.practice("AUTHN-11")
def test_no_table_holds_a_secret_that_was_issued(acme):
    dump = ""
    with connection.cursor() as cursor, bind(acme.id):
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # our own names
            dump += str(cursor.fetchall())
    assert acme.owner.key.digest in dump
    for member in acme.members:
        assert member.secret not in dump
        assert member.secret[len("sr_live_") + 12 :] not in dump
