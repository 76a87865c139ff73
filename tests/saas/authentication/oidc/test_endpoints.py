"""Discovery, keys and userinfo: open to be read, exact, and for access tokens alone."""

import json
import stat
from itertools import pairwise

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone
from jwcrypto import jwk
from oauth2_provider.models import get_access_token_model

from apps.organizations.models import SecurityPolicy
from saas.authentication.oauth import metadata, scopes
from saas.authentication.oidc import checks, keys
from saas.authentication.oidc.claims import SCOPES as WORDS
from saas.tenancy.binding import bind
from tests.oauth import bearer, make_service, service_token
from tests.saas.authentication.oidc.browser import SCOPES, userinfo
from tests.saas.wire import send

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-10")]

DISCOVERY, JWKS = "/.well-known/openid-configuration", "/.well-known/jwks.json"


@pytest.mark.parametrize("host", ["api.strongroom.example", "localhost"])
@pytest.mark.django_db
def test_discovery_says_what_is_accepted_and_who_we_are(host):
    told = send("GET", DISCOVERY, HTTP_HOST=host)
    assert told.status_code == 200
    assert told["Content-Type"] == "application/json"
    document = told.json()
    origin = "https://api.strongroom.example"
    assert document["issuer"] == origin
    assert all(url.startswith(f"{origin}/") for name, url in document.items()
               if name.endswith(("_endpoint", "_uri")))  # fmt: skip
    assert document["response_types_supported"] == ["code"]
    assert document["subject_types_supported"] == ["public"]
    assert document["id_token_signing_alg_values_supported"] == ["ES256"]
    assert {*WORDS} <= {*document["scopes_supported"]}
    for name in ("claims", "request", "request_uri"):
        assert document[f"{name}_parameter_supported"] is False
    assert document == send("GET", "/.well-known/oauth-authorization-server").json()


@pytest.mark.django_db
def test_the_key_set_has_the_active_and_the_retiring_key_and_no_private_part():
    told = send("GET", JWKS).json()
    assert told.keys() == {"keys"}
    assert len(told["keys"]) == 2
    for key in told["keys"]:
        assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
        assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
        plain = {name: key[name] for name in ("kty", "crv", "x", "y")}
        assert key["kid"] == jwk.JWK(**plain).thumbprint()


@pytest.mark.parametrize("path", [DISCOVERY, JWKS])
@pytest.mark.django_db
def test_they_are_only_to_be_read(path):
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert send(method, path).status_code == 405


def test_userinfo_tells_what_the_scopes_name(clerk):
    sub = {"sub": str(clerk.user.pk)}
    name = {"name": clerk.user.name}
    email = {"email": clerk.user.email, "email_verified": False}
    told = {"openid": sub, "openid profile": sub | name, "openid email": sub | email}
    for scope, claims in told.items():
        token = clerk.tokens(scope=scope)["access_token"]
        for method in ("GET", "POST"):
            answer = userinfo(token, method)
            assert (answer.status_code, answer.json()) == (200, claims)
            assert answer["Cache-Control"] == "no-store"
    clerk.user.name, clerk.user.email_proved_at = "", timezone.now()
    clerk.user.save()
    assert userinfo(clerk.tokens(scope="openid profile")["access_token"]).json() == sub
    token = clerk.tokens(scope="openid email")["access_token"]
    assert userinfo(token).json() == sub | email | {"email_verified": True}


@pytest.mark.practice("OPS-28")
def test_userinfo_tells_nobody_outside_the_organizations_networks(acme, clerk):
    token = clerk.tokens()["access_token"]
    with bind(acme.id):
        policy = SecurityPolicy(switches={"allowed_networks": ["203.0.113.0/24"]})
        policy.save()
    refused = userinfo(token)
    assert (refused.status_code, refused.json()["error"]) == (403, "access_denied")
    with bind(acme.id):
        policy.delete()
    assert userinfo(token).status_code == 200


def test_userinfo_takes_an_access_token_with_openid_from_a_person_in_the_header(acme, clerk):
    token = clerk.tokens()["access_token"]
    service = make_service(acme, "notes:read")
    others = {
        clerk.tokens(scope="notes:read profile")["access_token"]: (403, "insufficient_scope"),
        service_token(service, "notes:read").json()["access_token"]: (403, "insufficient_scope"),
        clerk.tokens()["refresh_token"]: (401, "invalid_token"),
        clerk.tokens()["id_token"]: (401, "invalid_token"),
        token[:-1]: (401, "invalid_token"),
    }
    for other, expected in others.items():
        answer = userinfo(other)
        assert (answer.status_code, answer.json()["error"]) == expected
        assert f'error="{expected[1]}"' in answer["WWW-Authenticate"]
        assert answer.json().keys() == {"error", "error_description"}
    assert 'scope="openid"' in userinfo(next(iter(others)))["WWW-Authenticate"]
    for refused in (
        send("GET", "/oauth/userinfo"),
        send("GET", "/oauth/userinfo", key=acme.clerk.secret),
        send("GET", "/oauth/userinfo", headers={"Authorization": f"Basic {token}"}),
        send("POST", "/oauth/userinfo", f"access_token={token}".encode(),
             content_type="application/x-www-form-urlencoded"),
    ):  # fmt: skip
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
        assert refused["WWW-Authenticate"].startswith("Bearer ")
    assert send("GET", "/oauth/userinfo?x=1", headers=bearer(token)).status_code == 400
    assert send("DELETE", "/oauth/userinfo", headers=bearer(token)).status_code == 405


def test_userinfo_ends_with_the_token_the_person_and_the_clients_right(clerk):
    token = clerk.tokens()["access_token"]
    clerk.app.allowed_scopes = ["notes:read"]
    clerk.app.save()
    assert userinfo(token).status_code == 403
    clerk.app.allowed_scopes = list(SCOPES)
    clerk.app.save()
    assert userinfo(token).status_code == 200
    clerk.user.is_active = False
    clerk.user.save()
    assert userinfo(token).status_code == 401
    clerk.user.is_active = True
    clerk.user.save()
    get_access_token_model().objects.all().delete()
    assert userinfo(token).status_code == 401


# The keys.


def secrets_of(path):
    """The private parts of the keys in a file."""
    return [
        key["d"] for key in (k.export_private(as_dict=True) for k in keys._opened(path.read_text()))
    ]


def test_a_rotation_makes_a_key_in_front_and_lets_the_oldest_go(key_file, capsys):
    kids = [[key["kid"] for key in keys.public_set()["keys"]]]
    for _ in range(2):
        call_command("rotate_oidc_keys")
        kids.append([key["kid"] for key in keys.public_set()["keys"]])
    for before, after in pairwise(kids):
        assert len(after) == 2
        assert after[1] == before[0]
        assert after[0] not in before
    call_command("rotate_oidc_keys", "--end-retiring")
    assert [key["kid"] for key in keys.public_set()["keys"]] == kids[-1][:1]
    said = capsys.readouterr()
    assert kids[-1][0] in said.err
    for secret in secrets_of(key_file):
        assert secret not in said.out + said.err


def test_what_is_kept_is_sealed_for_its_owner_and_bound_to_its_purpose(key_file, settings):
    keys.public_set()
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    text = key_file.read_text()
    for secret in secrets_of(key_file):
        assert secret not in text
    with pytest.raises(ValueError, match="no key"):
        keys._opened("")
    settings.SAAS_OIDC_MAKE_KEYS = False
    for broken in (
        "",
        "nonsense",
        text[:-10],
        text.replace(text[5], "A" if text[5] != "A" else "B", 1),
    ):
        key_file.write_text(broken)
        assert [error.id for error in checks.a_key_can_sign()] == ["oidc.E001"]
        assert send("GET", JWKS).status_code == 503
    key_file.unlink()
    assert [error.id for error in checks.a_key_can_sign()] == ["oidc.E001"]


def test_keys_that_another_key_sealed_are_not_written_over(key_file):
    key_file.write_text("c29tZXRoaW5nIGVsc2UgYWx0b2dldGhlcg==\n")
    with pytest.raises(CommandError, match="another SAAS_KEK"):
        call_command("rotate_oidc_keys")
    assert key_file.read_text().startswith("c29t")


def test_the_environment_holds_them_as_well(settings, capsys):
    settings.SAAS_OIDC_KEYS_FILE, settings.SAAS_OIDC_MAKE_KEYS = "", False
    assert checks.a_key_can_sign()
    call_command("rotate_oidc_keys")
    name, _, value = capsys.readouterr().out.strip().partition("=")
    assert name == "SAAS_OIDC_KEYS"
    settings.SAAS_OIDC_KEYS = value
    assert not checks.a_key_can_sign()
    first = keys.public_set()["keys"]
    call_command("rotate_oidc_keys")
    settings.SAAS_OIDC_KEYS = capsys.readouterr().out.strip().partition("=")[2]
    assert keys.public_set()["keys"][1] == first[0]


def test_no_line_of_any_log_holds_a_private_key_or_an_id_token(clerk, key_file, caplog):
    with caplog.at_level(0):
        token = clerk.tokens()["id_token"]
        send("GET", JWKS)
        call_command("rotate_oidc_keys")
    for secret in [*secrets_of(key_file), token.rpartition(".")[2]]:
        assert secret not in caplog.text


def test_no_row_of_any_table_holds_a_key_or_an_id_token(clerk, key_file):
    token = clerk.tokens()["id_token"]
    parts = [*secrets_of(key_file), token.rpartition(".")[2]]
    for model in apps.get_models():
        text = json.dumps(list(model._base_manager.values()) if model._meta.app_label in
                          {"integrations", "sessions", "accounts", "audit", "persistence"}
                          and not hasattr(model, "tenant_id") else [], default=str)  # fmt: skip
        assert not any(part in text for part in parts), model


def test_without_the_module_openid_is_unknown_and_the_metadata_are_without_it(clerk, monkeypatch):
    monkeypatch.setattr(metadata, "METADATA", [])
    for scope in WORDS:
        monkeypatch.delitem(scopes.IDENTITY, scope)
    document = send("GET", "/.well-known/oauth-authorization-server").json()
    assert not {*WORDS} & {*document["scopes_supported"]}
    assert not {name for name in document if "userinfo" in name or "jwks" in name}
    assert "error=invalid_scope" in clerk.look(scope="openid")["Location"]
