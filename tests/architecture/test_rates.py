"""How often what may be done."""

import pytest

from saas import checks


@pytest.mark.practice("RATE-02")
def test_what_hands_out_power_is_sensitive_and_what_changes_nothing_is_read(settings):
    for _, view, actions in checks.secure_views():
        for method, action in actions.items():
            rule = view.operations[action]
            if rule.permission in settings.SAAS_PERSONS_ONLY:
                assert rule.rate == "sensitive", (view, action)
            elif method == "get":
                assert rule.rate in ("", "read"), (view, action)
