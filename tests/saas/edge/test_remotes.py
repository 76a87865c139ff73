"""Which of our own wires could be read, by the settings alone."""

from types import SimpleNamespace

import pytest

from saas.edge import remotes

pytestmark = [pytest.mark.core, pytest.mark.practice("TRANS-01")]

POSTGRESQL = "django.db.backends.postgresql"
SMTP = "django.core.mail.backends.smtp.EmailBackend"
REDIS = "django.core.cache.backends.redis.RedisCache"


@pytest.fixture
def wires():
    """Settings in which every wire that is there is one of the test's."""
    nothing = {"DATABASES": {}, "DATABASE_OWNER": None, "CACHES": {}, "MAILERS": {}}
    return SimpleNamespace(REDIS_URL="", **nothing)


def test_what_stays_on_this_machine_needs_no_tls(wires):
    for host in ("", "localhost", "127.0.0.1", "127.8.8.8", "::1", "/run/postgresql"):
        wires.DATABASES = {"default": {"ENGINE": POSTGRESQL, "HOST": host}}
        wires.MAILERS = {"default": {"BACKEND": SMTP, "OPTIONS": {"host": host}}}
        assert list(remotes.in_clear(wires)) == []
    for url in ("redis://localhost/0", "redis://[::1]:6379/0", "unix:///run/redis.sock"):
        wires.REDIS_URL = url
        wires.CACHES = {"default": {"BACKEND": REDIS, "LOCATION": url}}
        assert list(remotes.in_clear(wires)) == []
    assert remotes.is_local("[::1]")


@pytest.mark.parametrize(
    ("host", "options", "clear"),
    [
        ("db.example", {}, ["db.example"]),
        ("10.0.0.5", {"sslmode": "prefer"}, ["10.0.0.5"]),
        ("db.example", {"sslmode": "require"}, ["db.example"]),
        ("db.example", {"sslmode": "verify-ca"}, ["db.example"]),
        ("db.example", {"sslmode": "verify-full"}, []),
        ("localhost,db.example", {}, ["db.example"]),
        ("", {"host": "db.example"}, ["db.example"]),
        ("localhost", {"hostaddr": "10.0.0.5"}, ["10.0.0.5"]),
        ("", {"service": "elsewhere"}, ["elsewhere"]),
    ],
)
def test_a_database_elsewhere_must_prove_who_it_is(wires, host, options, clear):
    wires.DATABASES = {"default": {"ENGINE": POSTGRESQL, "HOST": host, "OPTIONS": options}}
    assert [where for _, where in remotes.in_clear(wires)] == clear
    wires.DATABASE_OWNER = wires.DATABASES["default"]
    assert [where for _, where in remotes.in_clear(wires)] == clear * 2


@pytest.mark.parametrize(
    ("url", "clear"),
    [
        ("redis://cache.example/0", True),
        ("redis://:secret@10.0.0.5:6379/0", True),
        ("rediss://cache.example/0?ssl_cert_reqs=none", True),
        ("rediss://cache.example/0?ssl_cert_reqs=optional", True),
        ("rediss://cache.example/0?ssl_check_hostname=False", True),
        ("rediss://cache.example/0", False),
        ("rediss://:secret@cache.example:6380/0?ssl_ca_certs=/run/ca.pem", False),
    ],
)
def test_counters_and_cache_elsewhere_must_prove_who_they_are(wires, url, clear):
    wires.REDIS_URL = url
    wires.CACHES = {"default": {"BACKEND": REDIS, "LOCATION": [url]}}
    assert len(list(remotes.in_clear(wires))) == 2 * clear


@pytest.mark.parametrize(
    ("options", "clear"),
    [
        ({}, True),
        ({"use_tls": False}, True),
        ({"use_tls": True}, False),
        ({"use_ssl": True}, False),
    ],
)
def test_mail_leaves_in_tls(wires, options, clear):
    wires.MAILERS = {"default": {"BACKEND": SMTP, "OPTIONS": {"host": "m.example"} | options}}
    assert [where for _, where in remotes.in_clear(wires)] == ["m.example"] * clear
