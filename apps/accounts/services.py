"""What can happen to an account: how it is opened, what opens it, and how it ends."""

import logging
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, validate_totp_code
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts import factors, letters, queries, seeds
from apps.accounts.models import RecoveryCode, Session, User
from saas import alerts
from saas.authentication import attempts
from saas.crypto import Unreadable, digest, random_text
from saas.errors import Problem
from saas.tenancy.person import tenants_of

faults = logging.getLogger("saas.faults")

TYPE = Authenticator.Type.TOTP
CODES = 10
CODE_LENGTH = 10  # of 32 characters that nobody confuses: 50 bits, and each guess is counted
READABLE = "0123456789abcdefghjkmnpqrstvwxyz"
DIGITS = 8  # of the code that proves an address


def ask_for_proof(email: str) -> str:
    """Mail a code to an address and give its digest. Where the address has an account its owner is
    told so instead, and nobody knows the code: to who asks, both look alike (X-15).
    """
    code = random_text(DIGITS, "0123456789")
    if queries.is_taken(email):
        letters.send_account_exists(email)
    else:
        letters.send_code(email, code)
    return digest(code, purpose="sign-up")


def create_person(email: str, password: str) -> User:
    """Somebody who has proved the address. `password` is hashed already. 409 when it is taken."""
    user = User(email=email, password=password, email_proved_at=timezone.now())
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise Problem("conflict", "This address has an account: sign in instead.") from None
    return user


def ask_for_reset(email: str) -> None:
    """Mail a link that sets a new password, or that there is nothing to set one for."""
    user = queries.people().filter(email__iexact=email).first()
    if user is None:
        letters.send_no_account(email)
    else:
        letters.send_reset_link(user, default_token_generator.make_token(user))


@transaction.atomic
def reset_password(user: User, token: str, password: str) -> bool:
    """Set the password by the link of the mail; False when it is used up. The row is locked, so
    that of two who hold the link one is late. The second factor stays as it is.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    if not default_token_generator.check_token(user, token):
        return False
    set_password(user, password)
    user.email_proved_at = user.email_proved_at or timezone.now()
    user.save(update_fields=["email_proved_at"])
    for kind in ("account", "doubt"):
        attempts.forget(kind, user.email)  # guesses at the password that was
    return True


@transaction.atomic
def set_password(user: User, password: str, *, keep: str = "") -> None:
    """A new password ends every other session, and with the old hash every link in the mail."""
    user.set_password(password)
    user.save(update_fields=["password"])
    end_sessions(user, keep=keep)
    letters.tell(user, "Your password was changed")


def end_sessions(user: User, *, keep: str = "", only: str = "") -> None:
    """Sign the person out everywhere, or in one place `only`, but never in the session that is
    stored as `keep`.
    """
    ended = queries.sessions(user).exclude(session_key=keep)
    (ended.filter(session_key=only) if only else ended).delete()


def end_newcomers(since: datetime) -> None:
    """Sign out whoever came in by a password alone, in a new browser, since stolen passwords may
    have been tried: a pair that was right came in before there were enough wrong ones.
    """
    newcomers = Session.objects.filter(new_here_at__gte=since, user__isnull=False)
    for session in newcomers.select_related("user").order_by("pk"):
        user: Any = session.user
        with transaction.atomic():
            session.delete()
            letters.send_ended(user)
            tell_organizations(
                user,
                "sign-in.stuffed",
                "One of your members signed in with a password in a new browser just before we saw "
                "that passwords are tried at many accounts. That browser was signed out.",
            )


def tell_organizations(user: User, kind: str, message: str) -> None:
    """An alert to wherever this person belongs."""
    for tenant_id in tenants_of(user.pk):
        alerts.alert(tenant_id, kind, message, row=user)


class Totp(TOTP):
    """A code of this step of thirty seconds or of a neighbour: clocks differ, and people type
    slowly. None is accepted twice, however long it is still right.
    """

    @classmethod
    def activate(cls, user: Any, secret: str) -> "Totp":
        """The person is asked for a code from now on."""
        data = {"secret": seeds.sealed(user.pk, secret)}
        return cls(Authenticator.objects.create(user=user, type=TYPE, data=data))

    def validate_code(self, code: str) -> bool:
        """Whether it is right, for the first time. A seed that was moved here is nobody's."""
        try:
            seed = seeds.opened(self.instance)
        except Unreadable as fault:
            faults.critical("sealed value: the seed of %s: %s", self.instance.user_id, fault)
            return False
        return validate_totp_code(seed, code) and self._mark_code_used(code)

    def _mark_code_used(self, code: str) -> bool:
        place = self._get_used_cache_key(code)
        return bool(cache.add(place, "y", timeout=3 * settings.MFA_TOTP_PERIOD))


@transaction.atomic
def enrol(user: User, seed: str, code: str, *, keep: str) -> list[str]:
    """Ask for a second factor from now on, and give recovery codes, once. Raises 400 for a wrong
    code, 409 when there is a factor. The code is used up by this.
    """
    User.objects.select_for_update().get(pk=user.pk)
    if queries.authenticator(user) is not None:
        raise Problem("conflict", "You have a second factor already.")
    if not Totp.activate(user, seed).validate_code(code):
        raise Problem("invalid-request", "This code is not right, or it was used already.")
    end_sessions(user, keep=keep)
    letters.tell(user, "A second factor was set up for your account")
    return make_recovery_codes(user)


@transaction.atomic
def renew_recovery_codes(user: User, *, keep: str) -> list[str]:
    """New ones; the former open nothing any more, and where one was used the session ends."""
    end_sessions(user, keep=keep)
    letters.tell(user, "You have new recovery codes, and the former ones are void")
    return make_recovery_codes(user)


@transaction.atomic
def make_recovery_codes(user: User) -> list[str]:
    """Ten codes, of which only digests are kept."""
    queries.recovery_codes(user).delete()
    plain = [random_text(CODE_LENGTH, READABLE) for _ in range(CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=queries.recovery_digests(user, code)[0]) for code in plain
    )
    return [f"{code[:5]}-{code[5:]}" for code in plain]


def accepts(user: User, code: str) -> Authenticator.Type | None:
    """What `code` is: one that the person's authenticator shows now, a recovery code, or nothing.
    Neither is accepted twice. The caller has counted the guess.
    """
    app = queries.authenticator(user)
    if app and Totp(app).validate_code(code):
        return Authenticator.Type.TOTP
    if use_recovery_code(user, code):
        return Authenticator.Type.RECOVERY_CODES
    return None


def use_recovery_code(user: User, code: str) -> bool:
    """Use a code up: of two who show it at once, the one that deletes the row."""
    shown = queries.recovery_codes(user).filter(digest__in=queries.recovery_digests(user, code))
    used, _ = shown.delete()
    if used:
        letters.tell(user, "A recovery code was used in place of your second factor")
    return bool(used)


@transaction.atomic
def remove_factor(user: User, *, keep: str) -> None:
    """From now on the password alone opens the account, unless there is another factor. Raises 409
    for who may not be without one.
    """
    Authenticator.objects.filter(user_id=user.pk).delete()
    factor_removed(user, "The second factor was removed from your account", keep=keep)


def factor_removed(user: User, what: str, *, keep: str) -> None:
    """What goes with a factor: other sessions, and with the last one what stands in for it. Raises
    409 when it was the last, and their role asks for one.
    """
    if not queries.is_protected(user):
        if queries.must_have_factor(user):
            raise Problem("conflict", "Your role in an organization asks for a second factor.")
        queries.recovery_codes(user).delete()
    end_sessions(user, keep=keep)
    letters.tell(user, what)


@transaction.atomic
def erase(user: User) -> None:
    """Nobody is signed in as this person any more, and nothing says who it was: what is left is an
    id, so that the trails of the organizations stay true. The address is free again.
    """
    email = user.email
    letters.tell(user, "Your account was closed")
    end_sessions(user)
    Authenticator.objects.filter(user_id=user.pk).delete()
    for factor in factors.FACTORS:
        factor.forget(user)
    queries.recovery_codes(user).delete()
    AccessAttempt.objects.filter(username__iexact=email).delete()
    user.email, user.name, user.is_active = f"{user.pk}@closed.invalid", "", False
    user.set_unusable_password()
    user.last_login = user.email_proved_at = None
    user.save()
