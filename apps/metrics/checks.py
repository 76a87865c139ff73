"""A port that strangers could reach is found at the start."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from apps.metrics import knobs


@register(Tags.security)
def the_port_is_not_public(**_: Any) -> list[CheckMessage]:
    """Numbers tell an attacker which guard fires and when nobody looks (LOG-16)."""
    found: list[CheckMessage] = []
    for name, knob in (("PORT", knobs.port), ("ADDRESS", knobs.address)):
        try:
            knob()
        except ValueError as fault:
            found.append(Error(f"SAAS_METRICS_{name}: {fault}.", id="metrics.E001"))
    return found
