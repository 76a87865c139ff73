"""The settings of the server that is flooded: limits as the test sets them, patience as in
production.
"""

import json
import os

from config.settings import security
from config.settings.security import Rate
from tests.conformance.settings import *  # noqa: F403
from tests.conformance.settings import IN_FLIGHT, RATES

_set = {name: Rate(*rate) for name, rate in json.loads(os.environ["FLOOD_RATES"]).items()}
IN_FLIGHT = _set.pop("in-flight", IN_FLIGHT)
RATES = RATES | _set
COUNTERS_TIMEOUT = float(os.environ.get("FLOOD_PATIENCE", security.COUNTERS_TIMEOUT))
