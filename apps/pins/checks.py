"""A list of pins that ends, or that lacks the key in use, locks clients out without a word."""

from datetime import timedelta
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.utils import timezone

from apps.pins import pins

NOTICE = timedelta(days=60)  # TRANS-06: to give every client a new list


@register(Tags.security, deploy=True)
def the_pins_still_fit(**_: Any) -> list[CheckMessage]:
    """W001: a backup, the key in use, and sixty days left (TRANS-06)."""
    path = pins.list_file()
    if path is None:
        return []
    try:
        listed = pins.read(path)
        used = [pins.pin_of(file.read_bytes()) for file in pins.key_files()]
    except (OSError, ValueError) as reason:
        return [warned(f"The list of pins cannot be read: {reason}.")]
    found = []
    if listed.expires_on - timezone.localdate() < NOTICE:
        found.append(warned(f"The pins end on {listed.expires_on}: give clients a new list."))
    if len(set(listed.pins)) < 2:
        found.append(warned("The list of pins holds no backup."))
    if missing := [pin for pin in used if pin not in listed.pins]:
        found.append(warned(f"Clients do not pin {', '.join(missing)}, which is in use."))
    return found


def warned(text: str) -> CheckMessage:
    return Warning(text, hint="docs/playbooks/certificate-pinning.md", id="pins.W001")
