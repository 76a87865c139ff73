"""What would switch the module off without a word does not start."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from saas.throttling.risk import conf


@register(Tags.security)
def risk_is_bounded(**_: Any) -> list[CheckMessage]:
    """A score that never falls locks somebody out for good; memory without a bound is theirs."""
    knobs = conf.RISK._replace(beat=1.0)._asdict()
    return [
        Error(f"SAAS_RISK[{name!r}] must be more than nothing.", id="saas.E034")
        for name, value in knobs.items()
        if value <= 0
    ]
