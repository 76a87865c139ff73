"""A record of a review: dated, with what was looked at and by whom, and sealed, so that a later
hand is noticed.
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from saas.crypto import digest, is_digest_of

PURPOSE = "review"


def folder() -> Path:
    """Where records are kept."""
    return Path(getattr(settings, "SAAS_REVIEWS", settings.BASE_DIR / "var" / "reviews"))


def write(kind: str, reviewer: str, record: dict[str, Any]) -> Path:
    """Keep a record, as JSON and to be read; no earlier one is ever overwritten."""
    now = datetime.now(UTC)
    body = {"kind": kind, "reviewed_at": now.isoformat(), "reviewer": reviewer, **record}
    body["seal"] = seal(body)
    folder().mkdir(parents=True, exist_ok=True)
    path = folder() / f"{kind}-{now:%Y-%m-%dT%H%M%S.%f}.json"
    with path.open("x") as file:
        json.dump(body, file, indent=2, ensure_ascii=False)
    path.with_suffix(".md").write_text(page(body))
    return path


def seal(body: dict[str, Any]) -> str:
    """A keyed digest: who can write to the folder cannot make one."""
    return digest(unsealed(body), purpose=PURPOSE)


def is_sealed(body: dict[str, Any]) -> bool:
    """Whether nobody has changed it since."""
    return is_digest_of(body["seal"], unsealed(body), purpose=PURPOSE)


def unsealed(body: dict[str, Any]) -> str:
    """What the seal is over."""
    plain = {name: value for name, value in body.items() if name != "seal"}
    return json.dumps(plain, sort_keys=True)


def kept(kind: str) -> Iterator[dict[str, Any]]:
    """The records of a kind whose seal holds, oldest first."""
    for path in sorted(folder().glob(f"{kind}-*.json")):
        try:
            body = json.loads(path.read_text())
            if body["kind"] == kind and is_sealed(body):
                yield body
        except (ValueError, KeyError, TypeError, AttributeError):
            continue


def last_on(kind: str) -> date | None:
    """When this was last reviewed."""
    dates = [datetime.fromisoformat(body["reviewed_at"]).date() for body in kept(kind)]
    return max(dates, default=None)


def page(body: dict[str, Any]) -> str:
    """The record for a reader."""
    text = f"# {body['kind']}, {body['reviewed_at'][:10]}\n\nReviewed by {body['reviewer']}.\n"
    for name, value in body.items():
        if name not in ("kind", "reviewed_at", "reviewer", "networks"):
            text += f"\n## {name.replace('_', ' ')}\n\n{listed(value)}\n"
    return text


def listed(value: Any) -> str:
    """A value as a list; an empty one says so."""
    if isinstance(value, dict):
        return "\n".join(f"- {key}: {flat(one)}" for key, one in value.items()) or "none"
    if isinstance(value, list):
        return "\n".join(f"- {flat(one)}" for one in value) or "none"
    return str(value)


def flat(value: Any) -> str:
    """A value on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
