"""What an organization can ask of every request of its own: from where, and after which sign-in."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from rest_framework import serializers
from rest_framework.serializers import ValidationError

from saas.authentication.assurance import ONE_FACTOR, TWO_FACTORS, is_met
from saas.authentication.credentials import stronger
from saas.authentication.demands import Policy, Switch, on_or_off
from saas.context import Principal, PrincipalKind
from saas.edge.address import client_ip, is_within
from saas.errors import Problem
from saas.validation.networks import NetworkText

LONGEST_SESSION = 720  # hours


def demand_network(request: HttpRequest, principal: Principal, asked: Policy) -> None:
    """403 for every credential that is shown elsewhere: stolen, it opens nothing there."""
    networks = asked["allowed_networks"]
    if networks and not is_within(client_ip(request), networks):
        raise Problem("network-not-allowed", "This organization is called from its own networks.")


def demand_second_factor(request: HttpRequest, principal: Principal, asked: Policy) -> None:
    """401 `step-up-required` for a person whom a password alone let in, for reading too."""
    is_person = principal.kind == PrincipalKind.USER_TOKEN
    if asked["require_second_factor"] and is_person and not is_met(principal.acr, [TWO_FACTORS]):
        text = "This organization asks its people to sign in with a second factor."
        raise stronger(principal, text, TWO_FACTORS)


def demand_recent_sign_in(request: HttpRequest, principal: Principal, asked: Policy) -> None:
    """401 `step-up-required` for a person's token from too old a sign-in, however often it was
    refreshed: a forgotten client is nobody's door for a week.
    """
    hours = asked["session_max_hours"]
    if hours is None or principal.kind != PrincipalKind.USER_TOKEN:
        return
    longest, since = timedelta(hours=hours), principal.auth_time
    if since is None or timezone.now() - since >= longest:
        seconds = int(longest.total_seconds())
        text = "This organization asks its people to sign in again by now."
        raise stronger(principal, text, principal.acr or ONE_FACTOR, max_age=seconds)


def judge_networks(data: Any) -> list[str]:
    """Networks as keys have them."""
    form = serializers.ListField(child=NetworkText(), max_length=settings.KEY_NETWORKS)
    return list(dict.fromkeys(form.run_validation(data)))


def whole_number(name: str, description: str, most: int, **effects: Any) -> Switch:
    """A switch that is null until it is a number from one to `most`."""

    def judge(data: Any) -> int | None:
        if data is not None and (type(data) is not int or not 1 <= data <= most):
            raise ValidationError(f"Must be a whole number from 1 to {most}, or null.", "invalid")
        return data

    schema = {
        "type": "integer",
        "minimum": 1,
        "maximum": most,
        "description": description,
        "examples": [most],
    }
    return Switch(name, None, schema, judge, **effects)


ALLOWED_NETWORKS = Switch(
    "allowed_networks",
    [],
    {
        "type": "array",
        "items": {"type": "string", "maxLength": 49},
        "maxItems": settings.KEY_NETWORKS,
        "description": "Where alone any credential of the organization opens anything; none: "
        "anywhere. The change must come from within.",
        "examples": [["203.0.113.0/24"]],
    },
    judge_networks,
    demand=demand_network,
    of_tokens=True,
)
SECOND_FACTOR = on_or_off(
    "require_second_factor",
    "People call with tokens that they got after signing in with a second factor, for reading too.",
    demand=demand_second_factor,
    of_tokens=True,
)
SESSION_HOURS = whole_number(
    "session_max_hours",
    "Hours after which people sign in again, however their tokens live; null: as long as those.",
    LONGEST_SESSION,
    demand=demand_recent_sign_in,
    of_tokens=True,
)
