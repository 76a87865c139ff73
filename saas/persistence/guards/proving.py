"""The look-up of a credential as a function of the database, written from the queries that
saas.authentication.lookup and the rooms behind it declare.
"""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, models

from saas.authentication.lookup import Proof
from saas.persistence.guards.declared import Guard, marked
from saas.tenancy.entrance import policies_kept, roles_held


class Named(models.Expression):
    """A name of a function's own, where a query has a value."""

    def __init__(self, name: str, field: "models.Field[Any, Any]") -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, *_: Any) -> tuple[str, tuple[()]]:
        """The name; nothing is left to be filled in."""
        return self.name, ()


def text_and_types(rows: models.QuerySet[Any]) -> tuple[str, list[str]]:
    """A query as a statement without parameters, and the types of its columns."""
    compiler = rows.query.get_compiler(connection=connection)
    text, parameters = compiler.as_sql()
    if parameters:
        raise ValueError(f"A value would be frozen into a function: {text}")
    return text, [str(column.output_field.db_type(connection)) for column, *_ in compiler.select]


def unwalled(label: str) -> "models.QuerySet[Any]":
    """All rows of a model, to write a statement with, past the manager that wants a tenant."""
    return models.QuerySet(apps.get_model(label))


def function_of(proof: Proof) -> Guard:
    """The look-up with what follows from it: one trip, and a plan that the session keeps. It has
    the caller's rights (SECURITY INVOKER), so every policy stands.
    """
    name, text, moment = proof.function, models.TextField(), models.DateTimeField()
    found = proof.rows(Named(f"{name}.shown", text), Named(f"{name}.moment", moment))
    row, types = text_and_types(found.values_list(*proof.columns))
    tenant = Named(f"{name}.{proof.tenant}", models.UUIDField())
    person = Named(f"{name}.{proof.person}", models.UUIDField())
    members = unwalled(settings.SAAS_MEMBERSHIP_MODEL).filter(tenant_id=tenant)
    role, [role_type] = text_and_types(roles_held(members, person))
    policies = unwalled(settings.SAAS_POLICY_MODEL)
    policy, [policy_type] = text_and_types(policies_kept(policies, tenant))
    body = f"""
            BEGIN
                PERFORM set_config('app.credential', shown, true);
                {row} INTO {", ".join(proof.columns)};
                IF FOUND THEN
                    PERFORM set_config('app.tenant', {name}.{proof.tenant}::text, true),
                        set_config('app.credential', '', true);
                    {role} INTO role_there;
                    {policy} INTO policy_there;
                END IF;
            END
        """
    outs = [f"OUT {column} {type_}" for column, type_ in zip(proof.columns, types, strict=True)]
    outs += [f"OUT role_there {role_type}", f"OUT policy_there {policy_type}"]
    given = ", ".join(outs)
    return Guard(
        "",
        marked(name, body),
        (
            f"DROP FUNCTION IF EXISTS {name}(text, timestamptz)",
            f"CREATE FUNCTION {name}(shown text, moment timestamptz, {given}) "
            "LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, public, pg_temp "
            f"AS $${body}$$",
        ),
    )
