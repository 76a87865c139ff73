"""The forms by which people come to an organization, and go."""

from typing import Any

from django import forms

from apps.accounts.forms import Address, Code, Form, Line, NewPassword, Password, Proof, judged
from apps.accounts.models import User


class SignUp(Form):
    """Who founds an organization."""

    title, button = "Create an account", "Go on"

    email = Address()
    organization = Line(
        label="Name of your organization",
        max_length=200,
        widget=forms.TextInput({"autocomplete": "organization"}),
    )
    password = Password("Password", "new-password")

    def clean(self) -> None:
        """The password is held against the other fields too."""
        about = User(
            email=self.cleaned_data.get("email", ""),
            name=self.cleaned_data.get("organization", ""),
        )
        if "password" in self.cleaned_data:
            try:
                judged(self.cleaned_data["password"], about)
            except forms.ValidationError as fault:
                self.add_error("password", fault)


class Prove(Form):
    """The code of the mail."""

    title, button = "Look into your mailbox", "Create the account"

    code = Code("The code that we have sent you")


class Join(NewPassword):
    """Who is invited and has no account."""

    title, button = "You are invited", "Create the account and join"


class Confirm(Form):
    """Nothing to fill in, but something to be sure about."""

    def __init__(self, data: Any, title: str, button: str) -> None:
        super().__init__(data)
        self.title, self.button = title, button


class Close(Proof):
    """Before an account ends."""

    title, button = "Close your account", "Close it for good"
    takes_factors = True
