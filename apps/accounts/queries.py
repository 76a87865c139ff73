"""Who there is, by what they show."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts import factors
from apps.accounts.models import RecoveryCode, Session, User
from saas.crypto import digests

# Each says whether what a person may do asks for a second factor; an app adds its own when it
# starts.
DEMANDS: list[Callable[[User], bool]] = []


def people() -> QuerySet[User]:
    """Those who can sign in."""
    return User.objects.filter(is_active=True)


def is_taken(email: str) -> bool:
    """Whether an account has this address."""
    return User.objects.filter(email__iexact=email).exists()


def authenticator(user: User) -> Authenticator | None:
    """The person's authenticator app, if there is one."""
    return Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.TOTP).first()


def must_have_factor(user: User) -> bool:
    """Whether this person may not be without a second factor."""
    return any(demands(user) for demands in DEMANDS)


def is_protected(user: User) -> bool:
    """Whether the password alone does not open the account."""
    return authenticator(user) is not None or bool(factors.of(user))


def recovery_codes(user: User) -> QuerySet[RecoveryCode]:
    """Those that are left."""
    return RecoveryCode.objects.filter(user_id=user.pk)


def recovery_digests(user: User, code: str) -> list[str]:
    """What is stored of a code, first as it is today; people write it with blanks, capitals and
    without the dash.
    """
    plain = "".join(filter(str.isalnum, code)).lower()
    return list(digests(f"{user.pk}\0{plain}", purpose="recovery-code"))


def sessions(user: Any) -> QuerySet[Session]:
    """Where the person is signed in."""
    return Session.objects.filter(user_id=user.pk, expire_date__gt=timezone.now())
