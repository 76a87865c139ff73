"""The forms of a person's account. What a browser cannot have meant is an error of its field, never
a fault.
"""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest

from apps.accounts import factors, passwords, queries, services
from apps.accounts.models import User
from saas.authentication import attempts
from saas.validation import text

LONGEST = 200  # of a password: far beyond the 64 that must be possible, and cheap to hash
WRONG_CODE = "This code is not right, or it was used already."


class Form(forms.Form):
    """One page's form, with its heading and the name of its button."""

    title = button = ""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, label_suffix="")


class Line(forms.CharField):
    """One line of text without control and bidi characters."""

    def clean(self, value: Any) -> str:
        """The text in NFC."""
        line = text.clean(super().clean(value))
        if line is None:
            raise forms.ValidationError("Use letters, digits and signs that can be seen.")
        return line


class Address(forms.CharField):
    """An e-mail address, in lower case."""

    def __init__(self) -> None:
        shown = forms.EmailInput({"autocomplete": "username"})
        super().__init__(label="E-mail address", max_length=text.MAX_EMAIL, widget=shown)

    def clean(self, value: Any) -> str:
        """The address as it is stored."""
        address = text.email(super().clean(value))
        if address is None:
            raise forms.ValidationError("This is no e-mail address.")
        return address.lower()


class Password(forms.CharField):
    """A password, taken as it was typed."""

    def __init__(self, label: str = "Password", autocomplete: str = "current-password") -> None:
        shown = forms.PasswordInput({"autocomplete": autocomplete})
        super().__init__(label=label, strip=False, max_length=LONGEST, widget=shown)
        if autocomplete == "new-password":
            self.advise(passwords.ALONE)

    def advise(self, least: int) -> None:
        """Say how long it must be."""
        words = "A few unrelated words are easy to remember."
        self.help_text = f"At least {least} characters. {words}"


class Code(forms.CharField):
    """A code of digits, or one of the recovery codes."""

    def __init__(self, label: str = "Code of your authenticator app") -> None:
        shown = forms.TextInput({"autocomplete": "one-time-code", "autocapitalize": "off"})
        super().__init__(label=label, max_length=20, widget=shown)


class SecondFactorForm(AuthenticateForm):
    """The second step of signing in; the page has counted the guess."""

    def clean_code(self) -> str:
        """The code, used up."""
        code: str = self.cleaned_data["code"]
        self.shown = services.accepts(self.user, code)
        if self.shown is None:
            raise forms.ValidationError(WRONG_CODE)
        return code

    def save(self) -> None:
        """The session remembers what was shown."""
        record_authentication(context.request, self.user, "mfa", type=self.shown)


class Confirm(Form):
    """More than a password, where that is not enough."""

    title, button = "One more step", "Go on"

    code = Code("Code")


class Proof(Form):
    """Asks again who is there: an open session must not be enough to change what opens the
    account (ASVS 7.5.1).
    """

    asks_code = True
    takes_factors = False  # whether a proof of apps.accounts.factors stands for both

    password = Password("Your password")
    code = Code()

    def __init__(self, data: Any, request: HttpRequest) -> None:
        super().__init__(data)
        self.request = request
        self.user: User = request.user  # type: ignore[assignment]  # the page asks for sign-in
        self.fields["code"].help_text = "Or one of your recovery codes."
        if not (self.asks_code and queries.is_protected(self.user)):
            del self.fields["code"]
        elif queries.authenticator(self.user) is None:
            self.fields["code"] = Code("One of your recovery codes")
        self.factors = factors.of(self.user) if self.takes_factors else []
        self.shown = next((one for one in self.factors if one.field in self.data), None)
        if self.shown:
            self.fields = {}

    def clean(self) -> None:
        """The password first; a code is looked at only after it, and each guess is counted."""
        if self.shown and not self.shown.proves(
            self.request, self.user, self.data[self.shown.field]
        ):
            self.add_error(None, "This does not prove who you are.")
        if self.errors or self.shown:
            return
        password, code = self.cleaned_data["password"], self.cleaned_data.get("code")
        adapter = get_adapter(self.request)
        if adapter.authenticate(self.request, email=self.user.email, password=password) is None:
            self.add_error("password", "This is not your password.")
        elif code is not None:
            reserved = attempts.reserve(
                "second-factor", self.user.email, self.request, patience=settings.FACTOR_PATIENCE
            )
            if services.accepts(self.user, code) is None:
                self.add_error("code", WRONG_CODE)
            else:
                attempts.forgive(reserved)


class NewPassword(Form):
    """A password to come."""

    title, button = "Set a new password", "Set the password"

    password = Password("New password", "new-password")

    def __init__(self, data: Any, user: User) -> None:
        super().__init__(data)
        self.user = user
        field: Any = self.fields["password"]
        field.advise(passwords.least(user))

    def clean_password(self) -> str:
        """X-14."""
        return judged(self.cleaned_data["password"], self.user)


class ChangePassword(Proof):
    """The old password and the new one."""

    title, button = "Change your password", "Change it"
    asks_code = False

    new_password = Password("New password", "new-password")

    def __init__(self, data: Any, request: HttpRequest) -> None:
        super().__init__(data, request)
        field: Any = self.fields["new_password"]
        field.advise(passwords.least(self.user))

    def clean_new_password(self) -> str:
        """X-14."""
        return judged(self.cleaned_data["new_password"], self.user)


class StartEnrolment(Proof):
    """Before a seed is shown."""

    title, button = "Set up a second factor", "Go on"


class ConfirmEnrolment(Form):
    """That the app has the seed."""

    title, button = "Scan, and enter the code", "Turn it on"

    code = Code("The six digits that the app shows")


class RenewCodes(Proof):
    """Before new recovery codes are shown."""

    title, button = "New recovery codes", "Show me new ones"
    takes_factors = True


class RemoveFactor(Proof):
    """Before the password alone opens the account again."""

    title, button = "Remove the second factor", "Remove it"

    def clean(self) -> None:
        """A password that was chosen beside a factor may be too short to stand alone."""
        super().clean()
        if not self.errors and len(self.cleaned_data["password"]) < passwords.ALONE:
            too_short = f"Change your password first: alone it needs {passwords.ALONE} characters."
            self.add_error("password", too_short)


class EndSession(Form):
    """Which of one's sessions; all others, if none is named."""

    session = forms.CharField(max_length=40, required=False)


class AskReset(Form):
    """Who has lost a password."""

    title, button = "Forgot your password?", "Send me a link"

    email = Address()


def judged(password: str, user: User) -> str:
    """`password` when it may be one (AUTH_PASSWORD_VALIDATORS); `user` gives the words that must
    not make it up.
    """
    validate_password(password, user)
    return password
