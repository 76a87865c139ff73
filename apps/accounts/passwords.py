"""What a password may be beyond being long: nothing that is written beside the account."""

import re
from typing import Any

from django.core.exceptions import ValidationError

OWN = 8  # characters that must be left when the words that anybody would try are gone
SERVICE = "strongroom"


class ContextWords:
    """Refuses a password that is made of the service's name, the address or the organization: who
    guesses passwords tries those first (NIST SP 800-63B-4 §3.1.1.2).
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError when too little is left without those words."""
        about = f"{SERVICE} {getattr(user, 'email', '')} {getattr(user, 'name', '')}".lower()
        left = whole = password.lower()
        for word in sorted(re.findall(r"\w{3,}", about), key=len, reverse=True):
            left = left.replace(word, "")
        if left != whole and len(left) < OWN:
            raise ValidationError(
                "Use words that are not in your address, your organization or our name.",
                code="password_too_near",
            )

    def get_help_text(self) -> str:
        """For a form."""
        return "Not made of your address, your organization or our name."
