"""Without a key, or with one that nobody would believe, nothing is deployed."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from apps.checkpoints import signing


@register(Tags.security, deploy=True)
def checkpoints_can_be_believed(**_: Any) -> list[CheckMessage]:
    """Who can write to our database could sign anew if the key that counts were whichever signs
    (R-10).
    """
    try:
        signs = settings.SAAS_CHECKPOINT_KEY and signing.signer()  # who serves needs no key
        published = settings.SAAS_CHECKPOINT_PUBLIC_KEYS and signing.public_keys()
    except (signing.NoKey, ValueError):
        signs, published = "", {}
    hint = "Run manage.py make_checkpoint_key; keep the public half in the settings for good."
    found: list[CheckMessage] = []
    if not published or (signs and signs not in published):
        text = (
            "SAAS_CHECKPOINT_PUBLIC_KEYS must name a key, and SAAS_CHECKPOINT_KEY be one of them."
        )
        found.append(Error(text, hint=hint, id="checkpoints.E001"))
    if not settings.SAAS_CHECKPOINT_DIR:
        found.append(Error("SAAS_CHECKPOINT_DIR must name a folder.", id="checkpoints.E001"))
    return found
