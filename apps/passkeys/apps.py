"""Passkeys as a Django app: they join what opens an account."""

from django.apps import AppConfig


class PasskeysConfig(AppConfig):
    """Join the factors."""

    name = "apps.passkeys"
    routes = "accounts/passkeys/"
    global_models = {"passkeys.Passkey": "what signs a person in, who belongs to no tenant"}

    def ready(self) -> None:
        """Once the models are loaded."""
        from apps.accounts.factors import FACTORS, Factor
        from apps.passkeys import queries, showing

        FACTORS.append(
            Factor(
                field="passkey",
                is_set_up=queries.has_passkey,
                proves=showing.proves,
                forget=queries.forget,
                listed=queries.passkeys,
                sign_in_page="passkeys/sign_in.html",
                second_step_page="passkeys/second_step.html",
                home_page="passkeys/home.html",
                ask_page="passkeys/ask.html",
            )
        )
