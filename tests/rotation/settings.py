"""Production's own, on loopback: what is loosened says why."""

from datetime import timedelta

from config.settings.production import *  # noqa: F403
from config.settings.production import (
    CACHES,
    IN_FLIGHT,
    KEYS,
    MAILERS,
    PLANS,
    RATES,
    RATES_LIFTED,
    Rate,
)

SAAS_REQUIRE_HTTPS = False  # nobody listens in between two processes of one machine
MAILERS["default"]["OPTIONS"]["use_tls"] = False  # type: ignore[index]  # of unlike values; as above
RATES = {name: Rate(rate.requests * RATES_LIFTED, rate.seconds) for name, rate in RATES.items()}
IN_FLIGHT = IN_FLIGHT._replace(requests=IN_FLIGHT.requests * RATES_LIFTED)  # as the rates: not
PLANS = {  # what this is about
    plan: {act: most * RATES_LIFTED for act, most in quotas.items()}
    for plan, quotas in PLANS.items()
}
SAAS_RISK = {"beat": 0, "half_life": 1e-9}  # as above
SAAS_WATCH_LIVE = False  # it would freeze who refreshes a token every second
COUNTERS_TIMEOUT = 2.0  # two cores do everything here
_patient = {"socket_timeout": 2.0, "socket_connect_timeout": 2.0}  # as above
CACHES["default"]["OPTIONS"] = _patient  # type: ignore[assignment]  # of unlike values
SAAS_CHECKPOINT_ENTRIES = 10  # so that one is written every few seconds
# A minute each, that the drill would only wait for.
KEYS = KEYS._replace(box=timedelta(seconds=2), overlap=timedelta(seconds=2))
