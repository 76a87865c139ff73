"""A developer's machine, on loopback; each loosened line says why."""

import base64
import os
import secrets
from pathlib import Path

VAR = Path(__file__).resolve().parent.parent.parent / "var"
SECRETS = VAR / "development.env"


def make_secrets() -> None:
    """Random secrets for this clone alone, made once: a default secret would sooner or later
    serve.
    """
    VAR.mkdir(exist_ok=True)
    if not SECRETS.exists():
        names = ("SECRET_KEY", "SAAS_PEPPER", "SAAS_KEK")
        lines = [f"{name}={base64.b64encode(secrets.token_bytes(32)).decode()}\n" for name in names]
        with open(os.open(SECRETS, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(lines)
    for line in SECRETS.read_text().splitlines():
        name, _, value = line.partition("=")
        os.environ.setdefault(name, value)


def make_checkpoint_key(file: Path) -> None:
    """As above, in a file of its own: SAAS_CHECKPOINT_KEY_FILE names it."""
    if not file.exists():
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(key)
    os.environ.setdefault("SAAS_CHECKPOINT_KEY_FILE", str(file))


make_secrets()
make_checkpoint_key(VAR / "checkpoint-key")
PORT = os.environ.get("PORT", "8000")
os.environ.setdefault("SAAS_ORIGIN", f"http://localhost:{PORT}")
os.environ.setdefault("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
os.environ.setdefault("SAAS_OIDC_KEYS_FILE", str(VAR / "oidc-keys"))

from config.settings.base import *  # noqa: E402, F403  # after the environment is complete
from config.settings.base import IN_FLIGHT, PLAN, RATES, RATES_LIFTED, Rate, env  # noqa: E402

SAAS_REQUIRE_HTTPS = False  # served on loopback only, where nobody listens in
SAAS_ROLE_CHECK = "warn"  # one role is enough to try things
MAILERS = {  # read at /dev/mail
    "default": {
        "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "OPTIONS": {"file_path": VAR / "mail"},
    }
}
SAAS_DEVELOPMENT_PAGES = True  # /dev/mail
SAAS_OPERATOR_KEYS = None  # names are believed: a developer has no second person
SAAS_OIDC_MAKE_KEYS = True  # as the secrets above: for this clone alone
SAAS_PRIVATE_CLIENTS = True  # on loopback there are no others
SAAS_DEMO = True  # whoever runs this owns whatever is in it
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = False  # no TLS on loopback
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "session", "csrf"  # __Host- wants Secure

if env.str("SAAS_RATES", default="") == "lifted":  # for races and fuzzing
    RATES = {name: Rate(rate.requests * RATES_LIFTED, rate.seconds) for name, rate in RATES.items()}
    IN_FLIGHT = IN_FLIGHT._replace(requests=IN_FLIGHT.requests * RATES_LIFTED)
    PLAN = "business"
COUNTERS_TIMEOUT = 0.25  # one machine does everything here
