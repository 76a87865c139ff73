"""The cast of the tests is what the services would have made."""

import pytest
from django.apps import apps

from apps.accounts.models import User
from apps.organizations.models import ROLES
from apps.organizations.services import add_member, founded
from saas.audit.chain import first_fault
from saas.authorization.permissions import known_permissions
from saas.persistence.tenant import TenantModel
from saas.tenancy.binding import bind
from tests.cast import make_key, make_tenant

pytestmark = [pytest.mark.core, pytest.mark.django_db]

OWN = ("id", "tenant", "user", "creator", "digest", "hash", "public_id", "object_id", "wrapped")


def rows(tenant_id):
    """All rows of a tenant in their order, without what is every row's own."""
    found = {}
    with bind(tenant_id):
        assert first_fault() is None
        for model in apps.get_models():
            if issubclass(model, TenantModel):
                names = [field.name for field in model._meta.local_fields]
                names = [name for name in names if name not in OWN and not name.endswith("at")]
                found[model._meta.label] = [
                    {name: getattr(row, name) for name in names}
                    for row in model.objects.order_by("pk")
                ]
    return found


def test_a_tenant_of_the_tests_is_one_that_was_founded_and_joined():
    people = [User.objects.create_user(f"{role}@globex.example") for role in ROLES]
    with founded("Globex", "globex", owner=people[0]) as organization:
        for user, role in zip(people[1:], ROLES[1:], strict=True):
            add_member(None, user, role)
    for user in people:
        make_key(organization.pk, user, known_permissions())
    assert rows(make_tenant("Acme").id) == rows(organization.pk)
