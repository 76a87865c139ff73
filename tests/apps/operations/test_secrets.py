"""Every secret that the settings read stands in the register, with an owner and a way to replace
it.
"""

import base64
import re
import tomllib
from datetime import date

import pytest
from django.conf import settings
from django.core import signing
from django.core.management import get_commands

pytestmark = [pytest.mark.core, pytest.mark.practice("DATA-07")]

ROWS = tomllib.loads((settings.BASE_DIR / "docs" / "registers.toml").read_text())["secrets"]
SECRETS = re.compile(r"^(SECRET_KEY|SAAS_PEPPER|SAAS_KEK|SAAS_OIDC_KEYS|DATABASE_URL)=", re.M)


def test_every_secret_of_the_environment_stands_in_the_register():
    read = set(SECRETS.findall((settings.BASE_DIR / ".env.example").read_text()))
    assert len(read) == 5
    assert read | {"data-keys"} == ROWS.keys()


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_secret_has_an_owner_a_period_a_day_and_a_command_that_exists(row):
    assert row.keys() == {"title", "owner", "reviewed_on", "every_days", "how"}
    assert row["owner"]
    assert 1 <= row["every_days"] <= 730
    assert isinstance(row["reviewed_on"], date)
    for command in re.findall(r"manage\.py (\w+)", row["how"]):
        assert command in get_commands()


def test_what_the_former_secret_key_signed_is_good_while_it_is_a_fallback(settings):
    signed = signing.dumps("ann")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = base64.b64encode(b"another" * 8).decode()
    assert signing.loads(signed) == "ann"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(signing.BadSignature):
        signing.loads(signed)
