"""What is not protected does not start: each rule of the corridor as a system check."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework import serializers

from saas.authorization.fields import FieldAccess
from saas.authorization.operations import Allow
from saas.authorization.permissions import AnyCredential, known_permissions
from saas.disclosure.outputs import Output
from saas.edge import remotes
from saas.persistence import guards
from saas.persistence.quotas import ACTS
from saas.persistence.tenant import TenantModel
from saas.validation import text
from saas.validation.inputs import Input
from saas.view import SecureViewSet

API = "api/"


def api_routes() -> Iterator[tuple[str, Any]]:
    """Every route under /api/, with the callback behind it."""

    def walk(patterns: Sequence[Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern).removeprefix("^")  # as re_path() writes it
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern) and route.startswith(API):
                yield route, pattern.callback

    yield from walk(get_resolver().url_patterns, "")


def secure_views() -> Iterator[tuple[str, type[SecureViewSet], dict[str, str]]]:
    """Every route that a SecureViewSet serves: the route, the class, and method -> operation."""
    for route, callback in api_routes():
        view = getattr(callback, "cls", None)
        if view is not None and issubclass(view, SecureViewSet):
            yield route, view, callback.actions


@register(Tags.security)
def every_route_is_declared(**_: Any) -> list[CheckMessage]:
    """A route that no declaration covers would be open or dead, and nobody would know which
    (AUTHZ-01).
    """
    found: list[CheckMessage] = []
    for route, callback in api_routes():
        if route in settings.SAAS_OPEN_ROUTES:
            continue
        view = getattr(callback, "cls", None)
        if view is None or not issubclass(view, SecureViewSet):
            found.append(Error(f"/{route} is no SecureViewSet.", id="saas.E001"))
            continue
        if route.split("/")[1] not in settings.SAAS_API_VERSIONS:
            found.append(Error(f"/{route} stands outside the versioned routes.", id="saas.E002"))
        for operation in callback.actions.values():
            if not isinstance(view.operations.get(operation), Allow):
                found.append(
                    Error(
                        f"/{route}: {view.__name__} does not declare {operation!r}.", id="saas.E003"
                    )
                )
    return found


@register(Tags.security)
def every_sensitive_act_asks_for_step_up(**_: Any) -> list[CheckMessage]:
    """A new route that makes keys or members, and forgets to ask who is there, is what a stolen
    token would use (X-26).
    """
    return [
        Error(f"{view.__name__}.{name} needs {', '.join(much)} and no step_up.", id="saas.E032")
        for _route, view, actions in secure_views()
        for method, name in actions.items()
        if method not in ("get", "head")
        and isinstance(rule := view.operations.get(name), Allow)
        and (much := sorted(settings.SAAS_SENSITIVE_SCOPES.intersection(rule.permissions)))
        and not rule.step_up
    ]


@register(Tags.security)
def every_permission_is_known(**_: Any) -> list[CheckMessage]:
    """A permission that no role holds is a typing error, and denies for ever or guards nothing
    (AUTHZ-05).
    """
    known = known_permissions() | {AnyCredential.ANY}
    found: list[CheckMessage] = []
    for _route, view, _actions in secure_views():
        rules = [rule for rule in view.operations.values() if isinstance(rule, Allow)]
        needed = {permission for rule in rules for permission in rule.permissions} | {
            *view.outputs.access.guarded.values()
        }
        found += [
            Error(f"{view.__name__} needs {permission!r}, which no role holds.", id="saas.E004")
            for permission in sorted(needed - known)
        ]
    return found


def forms(base: type[Any]) -> Iterator[type[Any]]:
    """Every subclass of `base` that has been written."""
    for cls in base.__subclasses__():
        yield cls
        yield from forms(cls)


@register(Tags.security)
def every_field_is_known(**_: Any) -> list[CheckMessage]:
    """A field that nobody decided about leaks by being added (AUTHZ-11, INPUT-07)."""
    found: list[CheckMessage] = []
    for output in forms(Output):
        access: FieldAccess = output.access
        found += [
            Error(f"{output.__name__}.{name}: nobody declared who may see it.", id="saas.E005")
            for name in output().fields
            if not access.knows(name)
        ]
    for _route, view, _actions in secure_views():
        if not issubclass(view.outputs, Output):
            found.append(Error(f"{view.__name__} answers without an Output.", id="saas.E006"))
        for form in view.inputs.values():
            if not issubclass(form, Input):
                found.append(
                    Error(
                        f"{view.__name__} takes {form.__name__}, which is no Input.", id="saas.E007"
                    )
                )
    for form in forms(serializers.ModelSerializer):
        if form.__module__.split(".")[0] in settings.SAAS_OWN_PACKAGES:
            found.append(
                Error(
                    f"{form.__name__} takes its fields from a model: write them down.",
                    id="saas.E008",
                )
            )
    return found


def is_global(model: Any) -> bool:
    """Whether somebody gave a reason why the model holds no tenant's rows: GLOBAL_MODELS, or for
    its own models a module, in the `global_models` of its AppConfig.
    """
    own = getattr(model._meta.app_config, "global_models", {})
    return model._meta.label in {*settings.GLOBAL_MODELS, *own}


@register(Tags.models)
def every_model_has_a_tenant_or_a_reason(**_: Any) -> list[CheckMessage]:
    """A table outside the walls, that nobody thought about, is how tenants meet (AUTHZ-02)."""
    found: list[CheckMessage] = []
    for model in apps.get_models():
        label = model._meta.label
        if issubclass(model, TenantModel):
            if is_global(model):
                found.append(Error(f"{label} is tenant-owned and global at once.", id="saas.E009"))
            if model._meta.base_manager_name != "objects":
                found.append(
                    Error(f"{label}: its Meta must inherit TenantModel.Meta.", id="saas.E010")
                )
            found += targets_without_key(model)
        elif not is_global(model):
            found.append(
                Error(
                    f"{label} belongs to no tenant; give it one, or name it in GLOBAL_MODELS.",
                    id="saas.E011",
                )
            )
    return found


def targets_without_key(model: type[TenantModel]) -> list[CheckMessage]:
    """Composite keys need their target: a unique (tenant, id) on the table they point at."""
    return [
        Error(
            f"{field.related_model._meta.label} needs tenant_reference(): "
            f"{model._meta.label} points at it.",
            id="saas.E012",
        )
        for field in guards.same_tenant_keys(model)
        if not any(
            set(getattr(c, "fields", ())) == {"tenant", "id"}
            for c in field.related_model._meta.constraints
        )
    ]


@register(Tags.database)
def every_guard_stands(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """A policy or trigger that a migration lost protects nothing, and says nothing (AUTHZ-02,
    LOG-04).
    """
    found: list[CheckMessage] = []
    for connection in (connections[alias] for alias in databases or []):
        for guard in guards.missing(connection):
            text = f"{guard.table}: the guard {guard.name} is missing; run migrate."
            found.append(Error(text, id="saas.E013"))
        for table, policy in guards.unexpected(connection):
            text = f"{table}: nobody declared the policy {policy}; it may open what others close."
            found.append(Error(text, id="saas.E021"))
    return found


@register(Tags.security)
def no_session_reaches_the_api(**_: Any) -> list[CheckMessage]:
    """A cookie that authenticates the API lets every web page call it (AUTHN-01)."""
    found: list[CheckMessage] = []
    if settings.REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"]:
        found.append(Error("DRF must not authenticate: saas.authentication does.", id="saas.E014"))
    for _route, view, _actions in secure_views():
        if view.authentication_classes or view.permission_classes or view.throttle_classes:
            found.append(
                Error(
                    f"{view.__name__} brings its own DRF classes; the corridor is the only path.",
                    id="saas.E015",
                )
            )
        if view.dispatch is not SecureViewSet.dispatch or view.initial is not SecureViewSet.initial:
            found.append(Error(f"{view.__name__} replaces the spine.", id="saas.E016"))
    return found


@register(Tags.security)
def lifetimes_are_short(**_: Any) -> list[CheckMessage]:
    """What lives long is stolen once and used for long (AUTHN-03, AUTHN-17)."""
    bounds = {
        "access_token": timedelta(hours=1),
        "api_key": timedelta(days=90),
        "rotation_overlap": timedelta(hours=24),
    }
    return [
        Error(f"LIFETIMES.{name} is longer than {bound}.", id="saas.E017")
        for name, bound in bounds.items()
        if getattr(settings.LIFETIMES, name) > bound
    ]


COUNTED_FOR_ALL = {
    "principal",
    "network",
    "organization",
    "burst",
}  # each request is, whatever its class


@register(Tags.security)
def every_rate_is_declared(**_: Any) -> list[CheckMessage]:
    """Who brings the counters' store down must not find a class that nobody thought of (X-22)."""
    used = {
        rule.rate
        for _, view, _ in secure_views()
        for rule in view.operations.values()
        if isinstance(rule, Allow)
    }
    classes = used - {""} | {"stranger", "read", "write"} | settings.RATES.keys() - COUNTED_FOR_ALL
    found: list[CheckMessage] = [
        Error(f"{name!r}: RATES and RATES_WITHOUT_STORE must both declare it.", id="saas.E030")
        for name in sorted(classes)
        if settings.RATES_WITHOUT_STORE.get(name) not in ("own-count", "wait")
        or (name not in settings.RATES and name != "stranger")  # counted in "network"
    ]
    rates = {**settings.RATES, "IN_FLIGHT": settings.IN_FLIGHT}
    return found + [
        Error(f"{name!r} must allow something.", id="saas.E031")
        for name, rate in rates.items()
        if min(rate) < 1
    ]


@register(Tags.security)
def every_plan_says_how_much(**_: Any) -> list[CheckMessage]:
    """An act that a plan forgot would be a fault of ours when somebody does it (RATE-05)."""
    found: list[CheckMessage] = [
        Error(f"PLANS[{plan!r}] must say how many {act!r} a month it holds.", id="saas.E033")
        for plan, quotas in settings.PLANS.items()
        for act in sorted(ACTS | quotas.keys())
        if quotas.get(act, -1) < 0
    ]
    if settings.PLAN not in settings.PLANS:
        found.append(Error(f"PLAN is {settings.PLAN!r}, which PLANS lacks.", id="saas.E033"))
    return found


@register(Tags.security, deploy=True)
def somebody_sees_an_attack(**_: Any) -> list[CheckMessage]:
    """An attack on the whole house must be seen early, and told to an address that can be one
    (RATE-07, RATE-09).
    """
    rule = settings.STUFFING
    found: list[CheckMessage] = [
        Error(f"SAAS_OPERATORS: {one!r} is no address.", id="saas.E035")
        for one in settings.SAAS_OPERATORS
        if text.email(one) is None
    ]
    if not (0 < rule.names <= 200 and 0 < rule.share < 1 and min(rule) > 0):
        found.append(Error("STUFFING notices nothing within 200 tries.", id="saas.E035"))
    return found


@register(Tags.security, deploy=True)
def the_wire_is_safe(**_: Any) -> list[CheckMessage]:
    """A shorter HSTS lets a network attacker wait it out; clear text lets them read (TRANS-02,
    TRANS-03).
    """
    found: list[CheckMessage] = []
    if settings.SECURE_HSTS_SECONDS < 31_536_000:
        found.append(Error("SECURE_HSTS_SECONDS must be at least a year.", id="saas.E018"))
    if not settings.SAAS_REQUIRE_HTTPS:
        found.append(Error("SAAS_REQUIRE_HTTPS must be on.", id="saas.E019"))
    if not settings.SAAS_ORIGIN.startswith("https://"):
        found.append(Error("SAAS_ORIGIN must be an https:// origin.", id="saas.E020"))
    return found


@register(Tags.security, deploy=True)
def nobody_listens_in_behind_us(**_: Any) -> list[CheckMessage]:
    """Who sits between us and the database reads every tenant at once (TRANS-01)."""
    return [
        Error(f"{name} at {host} is not reached by TLS that proves who answers.", id="saas.E040")
        for name, host in remotes.in_clear(settings)
    ]


@register(Tags.security)
def addresses_are_networks(**_: Any) -> list[CheckMessage]:
    """A mistyped network would be found by the first request, and answer it with a fault (X-17,
    RATE-11).
    """
    found: list[CheckMessage] = []
    for name in ("SAAS_TRUSTED_PROXIES", "SAAS_ORIGIN_NETWORKS"):
        for network in getattr(settings, name):
            try:
                ip_network(network)
            except ValueError:
                found.append(Error(f"{name}: {network!r} is no network.", id="saas.E041"))
    return found
