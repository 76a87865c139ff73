"""Here scores last as long as they do elsewhere."""

import pytest

from saas.throttling.risk import conf


@pytest.fixture(autouse=True)
def lasting(monkeypatch):
    """The suite's own settings forget at once."""
    monkeypatch.setattr(conf, "RISK", conf.Risk(beat=0))
