"""What we write to a person about their account. Each change of what opens it is told."""

from django.conf import settings

from apps.accounts.models import User
from saas.persistence import letters

NOT_YOU = (
    "If this was not you, reset your password and look at where you are signed in:\n"
    "{origin}/accounts/password/reset/\n"
)
STOLEN = (
    "If it was not you, somebody has your password: set a new one, here and wherever you use it.\n"
    "{origin}/accounts/password/reset/\n"
)


def send_code(email: str, code: str) -> None:
    """The code that proves an address."""
    minutes = int(settings.LIFETIMES.sign_up.total_seconds() // 60)
    letters.post(
        to=email,
        subject=f"{code} is your code",
        text=(
            f"Your code is {code}. It is good for {minutes} minutes, in the browser in which you "
            "asked for it.\n\nIf you did not ask for it, somebody mistyped their address: do "
            "nothing, and tell the code to nobody.\n"
        ),
    )


def send_account_exists(email: str) -> None:
    """To the owner of an address with which somebody tried to sign up again."""
    letters.post(
        to=email,
        subject="You have an account already",
        text=(
            "Somebody tried to create an account with this address, which has one. If it was "
            f"you, sign in:\n{settings.SAAS_ORIGIN}/accounts/login/\n\nIf you do not know your "
            f"password any more:\n{settings.SAAS_ORIGIN}/accounts/password/reset/\n"
        ),
    )


def send_reset_link(user: User, token: str) -> None:
    """The link that sets a new password."""
    minutes = int(settings.LIFETIMES.reset_link.total_seconds() // 60)
    letters.post(
        to=user.email,
        subject="Set a new password",
        text=(
            f"{settings.SAAS_ORIGIN}/accounts/password/reset/{user.pk}/{token}\n\n"
            f"The link works once, for {minutes} minutes. If you did not ask for it, do nothing: "
            "your password stays as it is.\n"
        ),
    )


def send_no_account(email: str) -> None:
    """To an address without an account: so that asking costs the same for both, and who has
    several addresses learns that it is another.
    """
    letters.post(
        to=email,
        subject="There is no account with this address",
        text=(
            "Somebody asked for a new password for this address, which has no account here. If it "
            "was you, try the address that you signed up with. If not, do nothing.\n"
        ),
    )


def send_doubt(user: User, code: str | None) -> None:
    """To who entered a right password in a browser that we do not know, or to whom it belongs: with
    the code, unless they have a second factor.
    """
    minutes = int(settings.LIFETIMES.sign_up.total_seconds() // 60)
    need = (
        f"If it was you, your code is {code}. It is good for {minutes} minutes, in that browser.\n"
        if code
        else "If it was you, enter a code of your second factor there.\n"
    )
    letters.post(
        to=user.email,
        subject="Was it you who wanted to sign in?",
        text=(
            "Somebody entered your password in a browser that we do not know. Stolen passwords are "
            f"tried here at the moment, so we let nobody in yet.\n\n{need}\n{STOLEN}".format(
                origin=settings.SAAS_ORIGIN
            )
        ),
    )


def send_listed(user: User, token: str) -> None:
    """To who has a password that stands in a list of leaked ones."""
    letters.post(
        to=user.email,
        subject="Your password is known to others",
        text=(
            "Somebody signed in with your password, perhaps you. It stands in a list of passwords "
            "that were stolen elsewhere, so it opens nothing here any more. Set a new one:\n"
            f"{settings.SAAS_ORIGIN}/accounts/password/reset/{user.pk}/{token}\n"
        ),
    )


def send_ended(user: User) -> None:
    """To who signed in for the first time in a browser, just before an attack was noticed."""
    letters.post(
        to=user.email,
        subject="We have signed one of your browsers out",
        text=(
            "Somebody signed in with your password in a browser that we did not know. Soon after, "
            "we saw that stolen passwords are tried here, so we signed that browser out. If it was "
            "you, sign in again.\n\n" + STOLEN.format(origin=settings.SAAS_ORIGIN)
        ),
    )


def tell(user: User, what: str) -> None:
    """Say what has changed, so that a change by somebody else does not stay unseen."""
    note = NOT_YOU.format(origin=settings.SAAS_ORIGIN)
    letters.post(to=user.email, subject=what, text=f"{what}.\n\n{note}")
