"""What can happen to a passkey."""

from django.db import IntegrityError, transaction
from django.utils import timezone
from fido2.utils import websafe_encode
from fido2.webauthn import AuthenticationResponse, RegistrationResponse

from apps.accounts import letters
from apps.accounts.models import User
from apps.accounts.queries import is_protected
from apps.accounts.services import end_sessions, factor_removed, make_recovery_codes
from apps.passkeys import ceremony, queries
from apps.passkeys.models import Passkey
from saas import alerts
from saas.crypto import digest, is_digest_of
from saas.errors import Problem
from saas.tenancy.person import tenants_of

MOST = 20  # of one person


@transaction.atomic
def enrol(
    user: User, name: str, challenge: str, answer: RegistrationResponse, *, keep: str
) -> list[str]:
    """Keep a new passkey. With the first factor of a person come recovery codes, once.

    Raises 400 for one that is not good, 409 when it is known or there are too many.
    """
    credential, said = ceremony.made(challenge, answer)
    User.objects.select_for_update().get(pk=user.pk)
    if queries.passkeys(user).count() >= MOST:
        raise Problem("conflict", f"You have {MOST} passkeys already. Remove one first.")
    was_protected = is_protected(user)
    passkey = Passkey(
        user=user,
        name=name,
        credential_id=websafe_encode(credential.credential_id),
        credential=bytes(credential),
        sign_count=said.counter,
        is_synced=said.is_backup_eligible(),
    )
    try:
        with transaction.atomic():
            passkey.save(force_insert=True)
    except IntegrityError:
        raise Problem("conflict", "This passkey is known already.") from None
    end_sessions(user, keep=keep)
    letters.tell(user, "A passkey was added to your account")
    return [] if was_protected else make_recovery_codes(user)


@transaction.atomic
def rename(passkey: Passkey, name: str) -> None:
    """Another name: its owner will decide by it which one to remove."""
    passkey.name = name
    passkey.save(update_fields=["name"])
    letters.tell(passkey.user, "A passkey of your account was renamed")


@transaction.atomic
def remove(passkey: Passkey, *, keep: str) -> None:
    """It opens nothing any more."""
    passkey.delete()
    factor_removed(passkey.user, "A passkey was removed from your account", keep=keep)


@transaction.atomic
def use(passkey: Passkey, challenge: str, answer: AuthenticationResponse) -> bool:
    """Count a use of a passkey that has proved itself; False when it must not open anything.

    A signature that comes again is refused even when both came at once. A counter that does not
    grow tells of a copy (WebAuthn §6.1.1): nobody knows which of the two this is, so both end.
    """
    row = Passkey.objects.select_for_update().filter(pk=passkey.pk, suspected_at=None).first()
    if row is None or is_digest_of(row.last_challenge, challenge, purpose="passkey"):
        return False
    count = answer.response.authenticator_data.counter
    if (count or row.sign_count) and count <= row.sign_count:
        row.suspected_at = timezone.now()
        row.save(update_fields=["suspected_at"])
        end_sessions(passkey.user)  # whoever has the copy may have been here before
        tell_of_copy(passkey.user)
        return False
    row.last_challenge = digest(challenge, purpose="passkey")
    row.sign_count, row.last_used_at = count, timezone.now()
    row.save(update_fields=["sign_count", "last_challenge", "last_used_at"])
    return True


def tell_of_copy(user: User) -> None:
    """The person by mail, and the organizations that they could act for."""
    letters.tell(user, "A passkey of your account seems to have been copied, and is shut now")
    for tenant_id in tenants_of(user.pk):
        alerts.alert(
            tenant_id,
            "passkey.copied",
            "A passkey of one of your members was used with a counter that had run back, as that "
            "of a copy does. It opens nothing any more.",
            row=user,
        )
