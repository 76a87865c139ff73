"""Every secret that the settings read stands in the register, with an owner and a way to replace it;
and is read in one way, which tells nobody what it is.
"""

import ast
import base64
import re
import subprocess
import sys
import tomllib
from datetime import date
from functools import cache

import pytest
from django.conf import settings
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands

from config.settings.secrets import secret
from tests.saas.persistence.providers.houses import SecretsHouse, VaultHouse, open_house

pytestmark = [pytest.mark.core, pytest.mark.practice("DATA-07")]

ROWS = tomllib.loads((settings.BASE_DIR / "docs" / "registers.toml").read_text())["secrets"]
DURING_A_CHANGE = {"SECRET_KEY_FALLBACKS": "SECRET_KEY", "SAAS_PEPPER_PREVIOUS": "SAAS_PEPPER"}
NO_VARIABLE = {"data-keys"}  # they stand in the database, wrapped
SOUNDS_LIKE_ONE = re.compile(r"KEY|KEK|SECRET|PASSWORD|PEPPER|TOKEN|(DATABASE|REDIS)\w*_URL")
IS_NONE = {
    "SAAS_KEY_PROVIDER": "the name of a class",
    "SAAS_KMS_KEY": "an alias",
    "SAAS_TRANSIT_KEY": "a name",
    "SAAS_CHECKPOINT_PUBLIC_KEYS": "everybody's",
    "SAAS_PINNED_KEYS": "public keys",
    "SAAS_OPERATOR_KEYS": "public halves",
    "SAAS_LEAKED_PASSWORDS": "a file of other people's",
    "DATABASE_PASSWORD_FILE": "where DATABASE_URL's password stands, read at each connection",
    "DATABASE_PASSWORD_COMMAND": "what prints it",
    "VAULT_TOKEN_FILE": "where VAULT_TOKEN stands",
    "POSTGRES_PASSWORD": "of the database in development.yaml",
    "STRONGROOM_OWNER_PASSWORD": "as above",
    "STRONGROOM_APP_PASSWORD": "as above",
    "REDIS_PASSWORD": "as above",
}
SAMPLE = "canary-5d1c\n"


@cache
def reads():
    """How the settings read what from outside: the words before the name, and the name. Elsewhere
    nobody does (tests/architecture/test_rules.py).
    """
    found = set()
    for path in sorted((settings.BASE_DIR / "config").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=how, args=[ast.Constant(value=str(name)), *_]):
                    found.add((ast.unparse(how), name))
                case ast.Subscript(value=how, slice=ast.Constant(value=str(name)), ctx=ast.Load()):
                    found.add((ast.unparse(how), name))
    return found


def of_a_change(name):
    """The row that a variable belongs to."""
    return DURING_A_CHANGE.get(name, name)


def test_what_is_read_as_a_secret_stands_in_the_register_and_the_other_way_round():
    read = {of_a_change(name) for how, name in reads() if how == "secret"}
    assert read == ROWS.keys() - NO_VARIABLE


def test_no_secret_is_read_in_another_way():
    known = ROWS.keys() | DURING_A_CHANGE.keys()
    outside = re.compile(r"env\b|environ|getenv|open|Path")
    assert [one for one in reads() if one[1] in known and outside.search(one[0])] == []


def test_what_sounds_like_a_secret_is_one_or_somebody_said_why_not():
    example = (settings.BASE_DIR / ".env.example").read_text()
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.M))
    named |= {name for how, name in reads() if how.startswith(("env.", "os."))}
    sound = {name for name in named if SOUNDS_LIKE_ONE.search(name)} - IS_NONE.keys()
    assert {of_a_change(name.removesuffix("_FILE")) for name in sound} <= ROWS.keys()
    assert not IS_NONE.keys() & ROWS.keys()


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_secret_has_an_owner_a_period_a_day_and_a_command_that_exists(row):
    assert row.keys() == {"title", "owner", "reviewed_on", "every_days", "how"}
    assert row["owner"]
    assert 1 <= row["every_days"] <= 730
    assert isinstance(row["reviewed_on"], date)
    for command in re.findall(r"manage\.py (\w+)", row["how"]):
        assert command in {*get_commands(), "check"}


def test_a_secret_comes_from_the_environment_or_from_a_file(monkeypatch, tmp_path):
    monkeypatch.setenv("SAMPLE", "of the environment")
    assert secret("SAMPLE") == "of the environment"
    monkeypatch.delenv("SAMPLE")
    (tmp_path / "sample").write_text(SAMPLE)
    monkeypatch.setenv("SAMPLE_FILE", str(tmp_path / "sample"))
    assert secret("SAMPLE") == "canary-5d1c"
    assert secret("OTHER", "") == ""


def test_nothing_starts_without_a_secret_or_with_two_places_for_it(monkeypatch, tmp_path):
    with pytest.raises(ImproperlyConfigured, match="SAMPLE is not set"):
        secret("SAMPLE")
    (tmp_path / "sample").write_text(SAMPLE)
    monkeypatch.setenv("SAMPLE_FILE", str(tmp_path / "sample"))
    monkeypatch.setenv("SAMPLE", "the one that was forgotten")
    with pytest.raises(ImproperlyConfigured, match="SAMPLE and SAMPLE_FILE are both set"):
        secret("SAMPLE")
    monkeypatch.delenv("SAMPLE")
    (tmp_path / "sample").write_text("\n")
    with pytest.raises(ImproperlyConfigured, match="SAMPLE is not set"):
        secret("SAMPLE")
    (tmp_path / "sample").unlink()
    with pytest.raises(ImproperlyConfigured, match="SAMPLE_FILE gives no secret: FileNotFound"):
        secret("SAMPLE", "")


@pytest.fixture(params=["aws", "vault"])
def house(request, monkeypatch):
    """A running house of either kind, which keeps the sample; and where in it."""
    pytest.importorskip({"aws": "boto3", "vault": "hvac"}[request.param])
    made = {"aws": SecretsHouse, "vault": VaultHouse}[request.param]()
    made.kept |= {"aws": {"web/x": '{"y": "canary-5d1c"}', "plain": "canary-5d1c"},
                  "vault": {"web/x": {"y": "canary-5d1c"}}}[request.param]  # fmt: skip
    with open_house(made) as address:
        for name, value in {
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": address, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example", "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true", "VAULT_ADDR": address, "VAULT_TOKEN": "s.operator",
            "SAMPLE_FROM": {"aws": "aws:web/x#y", "vault": "vault:secret/web/x#y"}[request.param],
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        made.name = request.param
        yield made


def test_a_secret_comes_from_a_house_that_keeps_it(house, monkeypatch):
    assert secret("SAMPLE") == "canary-5d1c"
    if house.name == "aws":
        monkeypatch.setenv("SAMPLE_FROM", "aws:plain")
        assert secret("SAMPLE") == "canary-5d1c"


@pytest.mark.parametrize("fault", ["down", "silent", "forbidden", "nothing there", "no such field",
                                   "no such house", "not json"])  # fmt: skip
def test_a_house_that_does_not_give_it_lets_nothing_start_and_tells_nobody(
    house, monkeypatch, fault
):
    match fault:
        case "down":
            house.broken = 503
        case "silent":
            for name in ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "VAULT_ADDR"):
                monkeypatch.setenv(name, "http://127.0.0.1:9")
        case "forbidden":
            monkeypatch.setenv("VAULT_TOKEN", "s.ended")
            house.kept.pop("web/x")
        case "nothing there":
            house.kept.clear()
        case "no such field":
            monkeypatch.setenv("SAMPLE_FROM", f"{settings_of(house)}#z")
        case "no such house":
            monkeypatch.setenv("SAMPLE_FROM", "gcp:web/x#y")
        case "not json":
            house.kept["web/x"] = "canary-5d1c" if house.name == "aws" else None
    with pytest.raises(ImproperlyConfigured) as refused:
        secret("SAMPLE", "even with a default")
    said = "".join([str(refused.value), repr(refused.value.__cause__)])
    assert "SAMPLE_FROM gives no secret: " in said
    assert "canary" not in said
    assert "s.operator" not in said
    assert refused.value.__suppress_context__


def settings_of(house):
    """Where the sample stands."""
    return {"aws": "aws:web/x", "vault": "vault:secret/web/x"}[house.name]


def test_vault_is_not_asked_in_clear_across_a_network(monkeypatch):
    monkeypatch.setenv("SAMPLE_FROM", "vault:secret/web#x")
    monkeypatch.setenv("VAULT_ADDR", "http://vault.example:8200")
    with pytest.raises(ImproperlyConfigured, match="VAULT_ADDR must be https://"):
        secret("SAMPLE")


def test_a_process_without_its_secret_ends_with_its_name():
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY_FROM": "vault:secret/web#key",
        "VAULT_ADDR": "http://127.0.0.1:9",
        "VAULT_TOKEN": "s.canary",
    }
    asked = [sys.executable, "manage.py", "check"]
    ended = subprocess.run(
        asked, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True
    )
    assert ended.returncode
    *_, last = ended.stderr.strip().splitlines()
    assert "SECRET_KEY_FROM gives no secret: " in last
    assert "s.canary" not in ended.stdout + ended.stderr


def test_what_the_former_secret_key_signed_is_good_while_it_is_a_fallback(settings):
    signed = signing.dumps("ann")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = base64.b64encode(b"another" * 8).decode()
    assert signing.loads(signed) == "ann"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(signing.BadSignature):
        signing.loads(signed)
