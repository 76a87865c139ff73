"""Every knob of the corridor, in the order of the path, each with the practice that it serves."""

from datetime import date, timedelta
from typing import NamedTuple

from saas.counters import Patience


class Rate(NamedTuple):
    """At most `requests` in any `seconds`."""

    requests: int
    seconds: int


class Lifetimes(NamedTuple):
    """How long what we issue lives."""

    access_token: timedelta
    refresh_family: timedelta
    api_key: timedelta
    api_key_high_risk: timedelta
    rotation_overlap: timedelta
    invitation: timedelta
    sign_up: timedelta
    reset_link: timedelta
    session_idle: timedelta
    session: timedelta


class StepUp(NamedTuple):
    """What a sign-in must be for an act that declares `step_up`."""

    acr: str
    max_age: timedelta


class Stuffing(NamedTuple):
    """Stolen passwords are being tried when, within `seconds`, strangers failed to come in under
    `names` different names, and under this `share` of all names that they tried.
    """

    names: int
    share: float
    seconds: int
    lasts: int  # seconds without it, until a right password is enough again


class Work(NamedTuple):
    """How a worker goes about the outbox."""

    batch: int  # tasks claimed at once
    lease: timedelta  # after which another worker may take what this one claimed
    attempts: int
    first_pause: timedelta  # after a failure; it doubles with each further one
    longest_pause: timedelta
    kept: timedelta  # how long what has ended can be looked at


class Keys(NamedTuple):
    """How long a process goes by what it has seen of keys."""

    seen: timedelta  # of a tenant's own keys: so soon a destroyed one opens nothing anywhere
    opened: timedelta  # of a key that was unwrapped, before the provider is asked again
    box: timedelta  # that it locks with one key of its own
    pause: timedelta  # without asking a provider that did not answer
    kept: int  # at most so many tenants and opened keys
    overlap: timedelta  # after which nobody seals under a retired key any more


# 1 edge
SECURE_HSTS_SECONDS = 31_536_000  # TRANS-03: a year
SECURE_HSTS_PRELOAD = False  # TRANS-03: binds a domain for good, so a clone must choose it
SAAS_REQUIRE_HTTPS = True  # TRANS-02
SAAS_CLEAR_PATHS = (
    "/health/live",
    "/health/ready",
)  # TRANS-02: a balancer inside the house asks in clear
LIMITS = {
    "body_bytes": 256 * 1024,  # INPUT-10
    "page_default": 50,
    "page_max": 100,  # INPUT-11
    "invoice_lines": 500,  # INPUT-10
    "errors": 100,  # INPUT-01: so that an answer stays smaller than the body it refuses
    "idempotency_hours": 24,
}
DATA_UPLOAD_MAX_MEMORY_SIZE = LIMITS["body_bytes"]
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100

# 2 authentication
LIFETIMES = Lifetimes(
    access_token=timedelta(minutes=15),  # AUTHN-03
    refresh_family=timedelta(days=7),  # AUTHN-04
    api_key=timedelta(days=90),  # AUTHN-17
    api_key_high_risk=timedelta(days=30),  # AUTHN-17
    rotation_overlap=timedelta(hours=24),  # AUTHN-17
    invitation=timedelta(days=7),
    sign_up=timedelta(minutes=15),  # to type the code, and to confirm an authenticator
    reset_link=timedelta(hours=1),
    session_idle=timedelta(minutes=30),  # AUTHN-12
    session=timedelta(hours=12),  # AUTHN-12
)
KEY_WARNING_DAYS = (14, 7, 1)  # AUTHN-17: before a key ends
KEY_DORMANT = timedelta(days=32)  # LOG-11: longer than a month, so no monthly job awakes a key
KEY_IDLE = timedelta(days=45)  # AUTHN-17: what runs monthly has been twice due by then
KEY_NETWORKS = 20  # AUTHN-18: a longer list is nobody's, and every request walks it
KEY_NETWORK_BITS = {4: 8, 6: 16}  # AUTHN-18: wider than this is no limit
SAAS_PRIVATE_CLIENTS = False  # AUTHN-18: whether callers can come from private networks
KEY_ALARM_DELAY = 1.0  # AUTHN-19: seconds, so that no answer tells of the alarm
KEY_ALARMS = {"elsewhere": Rate(1, 3600), "honeytoken": Rate(1, 300)}  # AUTHN-18, AUTHN-19

RACE_WINDOW = timedelta(seconds=0.1)  # AUTHN-04: so long new tokens are held back
PATIENCE = Patience(free=10, longest=900, memory=86_400)  # AUTHN-13: for a name and a network
FACTOR_PATIENCE = Patience(free=5, first=900, longest=900, memory=86_400)  # AUTHN-08
CEILING = Patience(  # AUTHN-13: for a name, wherever the tries come from, until its owner is back
    free=100, first=2_592_000, longest=2_592_000, memory=2_592_000
)
SIGN_IN_FAILURES = Rate(10, 300)  # RATE-09: from one network
SIGN_IN_SHUT = 900  # RATE-09: seconds
# RATE-07. Of honest people who come with a new browser one in twenty does not get in within the
# hour; of stolen pairs 98 in a hundred are wrong. So 200 stolen pairs stand out beside 1,000 honest
# ones (246 of 1,200 names are a fifth), and 1,900 honest ones alone (95 names, a twentieth) do not.
STUFFING = Stuffing(names=100, share=0.2, seconds=3600, lasts=3600)
DEVICE_SETTLED = timedelta(days=7)  # RATE-07: so long is a browser new that came in just before
DEVICE_KNOWN = timedelta(days=180)  # AUTHN-13: how long a browser is not taken for a stranger's
SAAS_PERSONS_ONLY = frozenset(  # AUTHZ-05: a service decides neither who belongs nor who may what
    {"members:write", "api-keys:write", "security:write", "organization:write"}
)
SAAS_SENSITIVE_SCOPES = SAAS_PERSONS_ONLY | {"webhooks:write"}  # AUTHN-08: want a second factor
STEP_UP = StepUp("aal2", timedelta(minutes=15))  # RFC 9470

# 4 throttling
RATES = {
    "principal": Rate(1000, 3600),  # RATE-02
    "network": Rate(3000, 3600),  # RATE-02
    # RATE-12: ten callers at full speed; an eleventh key gets the organization nothing more.
    "organization": Rate(10_000, 3600),
    "sign-in": Rate(100, 60),  # RATE-01
    "read": Rate(1000, 3600),  # RATE-02
    "write": Rate(300, 3600),
    "sensitive": Rate(60, 3600),
    "burst": Rate(20, 1),  # RATE-06
}
RATES_LIFTED = (
    1000  # SAAS_RATES=lifted multiplies by this, for races and fuzzing; refused in production
)
IN_FLIGHT = Rate(10, 30)  # RATE-06: at once; whose process died has their place back in 30 s
PLANS = {  # RATE-05: what an organization may do in a month of UTC, by the name of the act
    "free": {"invoices": 100},
    "standard": {"invoices": 2_000},
    "business": {"invoices": 50_000},
}
PLAN = "free"  # RATE-05: of a new organization
COUNTERS_TIMEOUT = 0.05  # seconds; X-22
RATES_WITHOUT_STORE = {  # what each class does while nobody can count for all processes
    "stranger": "own-count",  # goes on under each process's own count
    "read": "own-count",
    "write": "wait",  # 503 until it can be counted again
    "sensitive": "wait",
    "sign-in": "wait",
}
HOUSE_LETTERS = Rate(10, 3600)  # RATE-09: to each operator, of each kind; the log has them all

# 8 persistence
STATEMENT_TIMEOUT_MS = 5000  # INPUT-11
LOCK_TIMEOUT_MS = 2000
IDLE_TRANSACTION_TIMEOUT_MS = 10_000
WORK = Work(
    batch=10,
    lease=timedelta(minutes=1),
    attempts=12,  # three to six hours, with these pauses
    first_pause=timedelta(seconds=10),
    longest_pause=timedelta(hours=1),
    kept=timedelta(days=7),
)

KEYS = Keys(  # DATA-04, DATA-05
    seen=timedelta(seconds=5),
    opened=timedelta(minutes=5),
    box=timedelta(minutes=1),
    pause=timedelta(seconds=2),
    kept=4096,
    overlap=timedelta(minutes=1),
)

# 11 responses
SAAS_API_VERSION = "v1"
SAAS_API_VERSIONS = {"v1": date(2026, 11, 22)}  # VERS-02: version -> release

# Models that hold no tenant's rows, each with the reason (AUTHZ-02); a model in neither list fails
# `check`.
GLOBAL_MODELS = {
    "accounts.User": "a person may belong to several organizations",
    "organizations.Organization": "the tenant itself: its row is its own tenant, by its own policy",
    "persistence.OutboxEntry": "a task of a tenant or of nobody, sealed; requests only put in",
    "persistence.RegularJob": "when the house's own work was last begun",
    "auth.Permission": "Django's own catalogue; nothing here reads it",
    "auth.Group": "Django's own; nothing here reads it",
    "accounts.Session": "who is signed in, before they have chosen an organization",
    "accounts.RecoveryCode": "stands in for a second factor, which belongs to a person",
    "account.EmailAddress": "of allauth; a person's address stands with the person",
    "account.EmailConfirmation": "as above",
    "mfa.Authenticator": "a second factor belongs to a person",
    "axes.AccessAttempt": "failed sign-ins, of people or of nobody",
    "axes.AccessAttemptExpiration": "as above",
    "axes.AccessFailureLog": "as above",
    "axes.AccessLog": "as above",
    "contenttypes.ContentType": "Django's own catalogue of models",
    "integrations.OAuthApplication": "read before a tenant is known; it names its organization",
    "integrations.OAuthGrant": "as the application",
    "integrations.OAuthAccessToken": "as the application",
    "integrations.OAuthRefreshToken": "as the application",
    "integrations.OAuthIDToken": "as the application",
    "integrations.OAuthDeviceGrant": "the device grant is off; the toolkit wants the table",
}

# Roof: what the system checks hold every route, form and model against.
SAAS_OWN_PACKAGES = ("saas", "apps", "config", "tests")
SAAS_OPEN_ROUTES = {  # under /api/ and without a credential, each with the reason (AUTHN-16)
    "api/versions": "which versions there are is no secret, and a client must find them",
    "api/v1/openapi.json": "the documents are public on purpose",
}
