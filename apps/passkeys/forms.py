"""The forms of passkeys."""

from typing import Any

from django import forms

from apps.accounts.forms import Form, Line, Proof


class StartPasskey(Proof):
    """Before a passkey is made."""

    title, button = "Add a passkey", "Go on"
    takes_factors = True


class Name(Line):
    """What its owner calls it."""

    def __init__(self) -> None:
        shown = forms.TextInput({"autocomplete": "off"})
        super().__init__(label="Name of the passkey", max_length=100, widget=shown)
        self.help_text = "So that you know which one it is: where it is kept, for instance."


class CreatePasskey(Form):
    """Its name, and what the device says."""

    title, button = "Add a passkey", "Create the passkey"

    name = Name()
    passkey = forms.CharField(widget=forms.HiddenInput)


class RenamePasskey(Form):
    """Another name."""

    title, button = "Rename a passkey", "Rename it"

    name = Name()

    def __init__(self, data: Any, name: str) -> None:
        super().__init__(data)
        self.initial = {"name": name}


class RemovePasskey(Proof):
    """Before it opens nothing any more."""

    title, button = "Remove a passkey", "Remove it"
    takes_factors = True
