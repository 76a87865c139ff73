"""A look that is too seldom lets harm go on."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from apps.containment.house import lookout


@register(Tags.security, deploy=True)
def measures_act_within_two_seconds(**_: Any) -> list[CheckMessage]:
    """E048: each process looks at least every second and a half (OPS-18)."""
    if 0 < lookout.seconds <= 1.5:
        return []
    message = "SAAS_CONTAINMENT_SECONDS must be more than nothing, and 1.5 at most."
    return [Error(message, id="saas.E048")]
