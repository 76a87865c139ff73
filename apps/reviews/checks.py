"""What is overdue is told at every start, and stops none: a house must not stand still because a
quarter went by.
"""

from typing import Any

from django.core.checks import CheckMessage, Info, Tags, register

from apps.reviews.registers import overdue


@register(Tags.security, deploy=True)
def nothing_is_overdue(**_: Any) -> list[CheckMessage]:
    """A secret that nobody changes is stolen once and good for ever (DATA-07)."""
    return [Info(str(one), hint="manage.py registers", id="reviews.I001") for one in overdue()]
