"""The dangerous room gives ids and nothing else, and closes its door behind itself."""

import pytest
from django.db import transaction
from django.db.models import QuerySet

from apps.organizations.models import Organization
from saas.tenancy.across_tenants import each_tenant_across_tenants, tenant_ids_across_tenants
from saas.tenancy.binding import TenantAlreadyBound, TenantNotBound, bind, bound_tenant
from tests.cast import make_tenant
from tests.saas.wire import on_postgresql
from tests.toy.models import Note

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-02")]


def test_every_tenant_is_listed_once_oldest_first(acme, globex):
    assert tenant_ids_across_tenants() == [acme.id, globex.id]


def test_work_runs_once_inside_each_tenant_and_sees_that_one_alone(acme, globex):
    for tenant in (acme, globex):
        tenant.owner.post("notes", {"title": tenant.name})
    seen = [
        (bound_tenant() == tenant, [note.title for note in Note.objects.all()])
        for tenant in each_tenant_across_tenants()
    ]
    assert seen == [(True, ["Acme"]), (True, ["Globex"])]
    with pytest.raises(TenantNotBound):
        bound_tenant()


def test_it_cannot_start_inside_a_tenant(acme, globex):
    with bind(acme.id), pytest.raises(TenantAlreadyBound):
        list(each_tenant_across_tenants())


@on_postgresql
def test_the_list_opens_for_one_query_and_for_nothing_but_reading(committed):
    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    rows: QuerySet[Organization] = QuerySet(Organization)
    with transaction.atomic():
        assert set(rows) == set()
        assert set(tenant_ids_across_tenants()) == {acme.id, globex.id}
        assert set(rows.all()) == set()
    with bind(acme.id):
        assert {row.pk for row in rows.all()} == {acme.id}
        assert rows.filter(pk=globex.id).update(name="Hooli") == 0
