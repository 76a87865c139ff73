"""Whoever scans public places tells us what they found, and what was found ends."""

import binascii
import re
import string
from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.test import Client
from django.utils import timezone

from apps.integrations.models import ApiKey, OAuthAccessToken
from apps.leaks.checks import every_reporter_has_keys
from apps.leaks.reports import shown
from saas.authentication import keys
from saas.authentication.oauth.tokens import access_token, refresh_token
from saas.persistence.worker import run_due
from saas.tenancy.binding import bind
from tests.apps.integrations.test_api_keys import make
from tests.apps.leaks.conftest import PATH, URL, forget_tenant, leak, pem_of, signed
from tests.cast import call
from tests.oauth import (
    bearer,
    make_client,
    make_service,
    refresh,
    service_token,
    tokens_for,
)
from tests.practices import ROOT
from tests.saas.wire import but_for_instance, refused, statements

pytestmark = [pytest.mark.core, pytest.mark.practice("X-21")]

READ = "customers:read"
HOW = "found in public by scanner"


def events(tenant, event):
    """What the trail says."""
    return tenant.owner.get(f"audit-events?event={event}").json()["results"]


def opens(token):
    """Whether an access token opens anything."""
    return call(Client(), "GET", "customers", **bearer(token)).status_code == 200


def test_a_key_that_was_found_is_dead_and_its_people_know_where(acme, report, delivered):
    answer = report([leak(acme.clerk.secret)])
    assert (answer.status_code, answer.content, answer.get("Content-Type")) == (204, b"", None)
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer["Cache-Control"] == "no-store"
    letters = delivered(acme.clerk.user.email)
    assert acme.clerk.get("customers").status_code == 401
    [entry] = events(acme, "api-key.exposed")
    assert entry["object"]["id"] == str(acme.clerk.key.pk)
    assert entry["data"] == {"why": HOW}
    assert entry["principal"]["kind"] == "system"
    [alert] = acme.owner.get("alerts?kind=api-key.exposed").json()["results"]
    assert f"{HOW} at {URL}" in alert["message"]
    [letter] = letters
    assert URL in letter.body
    for told in (letter.body, alert["message"], str(delivered())):
        assert acme.clerk.secret not in told
    assert acme.owner.get("customers").status_code == 200


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_token_that_was_found_ends_with_its_family(acme, report, delivered, which):
    app = make_client(acme, READ)
    pair = tokens_for(acme.clerk, READ, client=app)
    neighbour = tokens_for(acme.viewer, READ, client=app)
    assert report([leak(pair[which])]).status_code == 204
    [letter] = delivered(acme.clerk.user.email)
    assert URL in letter.body
    assert pair[which] not in letter.body
    assert not opens(pair["access_token"])
    assert refresh(app, pair["refresh_token"]).status_code == 400
    assert opens(neighbour["access_token"])
    [entry] = events(acme, "oauth-grant.exposed")
    assert entry["data"] == {"why": HOW}


def test_a_services_token_ends_and_the_owners_know(acme, report, delivered):
    service = make_service(acme, READ)
    token = service_token(service, READ).json()["access_token"]
    other = service_token(service, READ).json()["access_token"]
    assert report([leak(token)]).status_code == 204
    assert any(URL in letter.body for letter in delivered(acme.owner.user.email))
    assert not opens(token)
    assert opens(other)
    [entry] = events(acme, "oauth-client.token-exposed")
    assert entry["object"]["id"] == str(service.pk)


def test_what_opens_nothing_any_more_changes_nothing(acme, report, delivered):
    app = make_client(acme, READ)
    pair = tokens_for(acme.clerk, READ, client=app)
    second = refresh(app, pair["refresh_token"]).json()
    service = service_token(make_service(acme, READ), READ).json()["access_token"]
    now = timezone.now()
    with bind(acme.id):
        ApiKey.objects.filter(pk=acme.viewer.key.pk).update(expires_at=now)
        ApiKey.objects.filter(pk=acme.clerk.key.pk).update(revoked_at=now)
    OAuthAccessToken.objects.filter(user=None).update(expires=now)
    dead = [acme.viewer.secret, acme.clerk.secret, pair["refresh_token"], service]
    dead += [keys.mint().secret, access_token(None), refresh_token(None), "password", ""]
    assert report([leak(secret) for secret in dead]).status_code == 204
    assert delivered() == []
    assert opens(second["access_token"])
    for event in ("api-key.exposed", "oauth-grant.exposed", "oauth-client.token-exposed"):
        assert events(acme, event) == []
    with time_machine.travel(now + timedelta(minutes=16), tick=False):  # expired, the family lives
        assert report([leak(second["access_token"])]).status_code == 204
        assert delivered() == []
        assert refresh(app, second["refresh_token"]).status_code == 200


def test_the_same_leak_is_told_once_however_often_it_is_reported(acme, report, delivered):
    for leaks in (
        [leak(acme.clerk.secret)] * 3,
        [leak(acme.clerk.secret, url="https://x.example/")],
    ):
        assert report(leaks).status_code == 204
    assert len(delivered(acme.clerk.user.email)) == 1
    assert len(events(acme, "api-key.exposed")) == 1


def test_a_report_may_concern_several_organizations_and_each_hears_of_its_own(
    acme, globex, report, delivered
):
    leaks = [leak(acme.clerk.secret), leak("nothing of ours"), leak(globex.admin.secret)]
    assert report(leaks).status_code == 204
    run_due()
    for member in (acme.clerk, globex.admin):
        assert member.get("customers").status_code == 401
        assert len(events(member.organization, "api-key.exposed")) == 1
    assert {letter.to[0].partition("@")[2] for letter in delivered(acme.clerk.user.email)} == {
        "acme.example"
    }


def test_a_honeytoken_that_was_found_stays_and_rings(acme, report, delivered):
    answer, _ = make(acme.admin, honeytoken=True)
    assert report([leak(answer.json()["secret"])]).status_code == 204
    run_due()
    [alert] = acme.owner.get("alerts?kind=api-key.honeytoken-used").json()["results"]
    assert f"{HOW} at {URL}" in alert["message"]
    assert events(acme, "api-key.exposed") == []
    assert acme.owner.get(f"api-keys/{answer.json()['id']}").status_code == 200


def test_the_answer_costs_the_same_whether_the_secret_is_alive_or_was_never(acme, report):
    report([])  # whatever is loaded once
    with statements() as found:
        alive = report([leak(acme.clerk.secret)])
    with statements() as nothing:
        never = report([leak(keys.mint().secret)])
    found, nothing = (
        [form_of(sql) for sql in sent if "set_config" not in sql]  # the fixture's own
        for sent in (found, nothing)
    )
    assert found == nothing
    assert len(found) == 1
    headers = [dict(answer.items()) | {"X-Request-Id": ""} for answer in (alive, never)]
    assert headers[0] == headers[1]
    assert acme.clerk.get("customers").status_code == 200  # nobody has looked yet
    forget_tenant()
    run_due()
    assert acme.clerk.get("customers").status_code == 401


def form_of(sql):
    """A statement up to its values, however the driver has sent it."""
    return sql.removeprefix("QUERY = '").partition("VALUES")[0]


def test_nobody_ends_a_key_without_a_configured_key(acme, report, scanner_key, settings):
    body = [leak(acme.clerk.secret)]
    mallory = ec.generate_private_key(ec.SECP256R1())
    heard = [
        report(body, key=mallory),
        report(body, key_id="key-2"),  # another reporter's
        report(body, key_id="key-3"),
        report(body, key_id=""),
        report(body, signature=""),
        report(body, signature="not base64!"),
        report(body, signature="éé"),
        report(body, signature=signed(scanner_key, b"[]")),
        report(b"{nonsense", key=mallory),  # judged before it is read
    ]
    settings.SAAS_LEAK_REPORTERS = {}
    heard.append(report(body))
    plain = Client().post(PATH, data=body, content_type="application/json", secure=True)
    heard.append(plain)
    for answer in heard:
        refused(answer, 401, "invalid-token")
        assert but_for_instance(answer) == but_for_instance(heard[0])
    assert "ECDSA-NIST-P256V1-SHA256" in heard[0]["WWW-Authenticate"]
    run_due()
    assert acme.clerk.get("customers").status_code == 200


def test_a_byte_that_was_changed_on_the_way_is_seen(acme, report, scanner_key):
    good = b'[{"token": "%s", "type": "x"}]' % acme.clerk.secret.encode()
    for changed in (good + b" ", good.replace(b'"x"', b'"y"'), good[:-1]):
        refused(report(changed, signature=signed(scanner_key, good)), 401, "invalid-token")
    assert report(good).status_code == 204


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", ""), (b"{}", ""), (b"null", ""), (b'"x"', ""), (b"[1]", "/0"), (b"[[]]", "/0"),
        (b"[{}]", "/0/token"), (b'[{"token": "x"}]', "/0/type"), (b"[" * 40 + b"]" * 40, ""),
        (b'[{"token": 1, "type": "x"}]', "/0/token"), (b'[{"token": null, "type": "x"}]', "/0/token"),
        (b'[{"token": "x", "type": "x"}, {"token": "x", "type": "x", "url": []}]', "/1/url"),
        (b'[{"token": "x", "token": "y", "type": "x"}]', ""), (b'[{"token": "\\u0000", "type": ""}]', ""),
        (b'[{"token": "%s", "type": "x"}]' % (b"x" * 4097), "/0/token"), (b"\xff", ""), (b"[] []", ""),
        (b"[" + b",".join([b'{"token": "x", "type": "x"}'] * 1001) + b"]", ""),
    ],
)  # fmt: skip
def test_a_signed_report_that_is_none_is_refused_whole(report, body, pointer):
    answer = report(body)
    refused(answer, 400, "invalid-request")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert run_due() == 0


def test_what_a_reporter_says_besides_is_passed_by(acme, report):
    more = {"url": None, "source": None, "hash": "x", "seen": {"at": 1}}
    assert report([leak(acme.clerk.secret, **more)]).status_code == 204
    run_due()
    assert acme.clerk.get("customers").status_code == 401
    [alert] = acme.owner.get("alerts?kind=api-key.exposed").json()["results"]
    assert f"was {HOW}, and" in alert["message"]
    assert report([]).status_code == 204


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (URL, URL),
        ("https://x.example/a b?q=<script>\r\nBcc: all", "https://x.example/a%20b?q=%3Cscript%3EBcc:%20all"),
        ("https://user:password@x.example:8443/", "https://x.example:8443/"),
        ("https://x.example/?key=KEY", "https://x.example/"),
        ("https://x.example/QUOTED", "https://x.example/"),
        ("https://x.example/a/b?key=KEY#c", "https://x.example/a/b"),
        ("https://x.example", "https://x.example/"),
        ("https://x.example/" + "y" * 4000, "https://x.example/" + "y" * 282),
        ("https://x.example/\u202egpj.exe", "https://x.example/%E2%80%AEgpj.exe"),
        ("javascript:alert(1)", ""), ("https://x\u202e.example/", ""), ("//x.example/", ""), ("", ""),
        ("https://[::1", ""), ("ftp://x.example/", ""), ("https:///x", ""),
    ],
)  # fmt: skip
def test_a_url_is_shown_so_that_it_does_nothing(url, expected):
    secret = keys.mint().secret
    url = url.replace("KEY", secret).replace("QUOTED", quote(secret).replace("_", "%5F"))
    assert shown(url) == expected


def test_it_is_a_post_of_json_and_of_no_more_than_other_bodies(report, stranger):
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = stranger(method, PATH)
        assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert report([], content_type="text/plain").status_code == 415
    refused(report(b" " * (256 * 1024 + 1)), 413, "body-too-large")


def test_one_network_reports_no_more_often_than_it_may_sign_in(report, settings):
    settings.RATES = settings.RATES | {"sign-in": settings.RATES["sign-in"]._replace(requests=3)}
    told = [report([], address="192.0.2.31", signature="").status_code for _ in range(4)]
    assert told == [401, 401, 401, 429]
    assert report([], address="192.0.2.32").status_code == 204


def test_a_key_that_is_none_is_found_at_the_start(settings):
    good = pem_of(ec.generate_private_key(ec.SECP256R1()))
    assert every_reporter_has_keys() == []
    settings.SAAS_LEAK_REPORTERS = {"github": {"a": good, "b": good}, "another-one": {"a": good}}
    assert every_reporter_has_keys() == []
    settings.SAAS_LEAK_REPORTERS = {
        "Git Hub": {
            "rsa": pem_of(rsa.generate_private_key(65537, 2048)),
            "other curve": pem_of(ec.generate_private_key(ec.SECP384R1())),
            "nothing": "",
        }
    }
    assert (
        sorted(error.id for error in every_reporter_has_keys())
        == ["leaks.E001"] + ["leaks.E002"] * 3
    )


def test_a_scanner_that_has_read_the_chapter_tells_a_credential_from_what_looks_like_one():
    page = (ROOT / "docs" / "path" / "02-authentication.md").read_text()
    forms = re.findall(r"^(sr_\S+) +an? ", page, re.MULTILINE)
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    for secret in (keys.mint().secret, access_token(None), refresh_token(None)):
        [found] = [m[0] for form in forms for m in re.finditer(form, f'key = "{secret}"')]
        assert found == secret
        number = sum(digits.index(one) * 62**at for at, one in enumerate(reversed(secret[-6:])))
        assert number == binascii.crc32(secret[:-6].encode()) % 62**6
