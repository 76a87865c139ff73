"""Passkeys as a Django app: they join what opens an account."""

from django.apps import AppConfig


class PasskeysConfig(AppConfig):
    """Join the factors of a person, and the switches of an organization."""

    name = "apps.passkeys"
    routes = "accounts/passkeys/"
    global_models = {
        "passkeys.Passkey": "what signs a person in, who belongs to no tenant",
    }

    def ready(self) -> None:
        """Once the models are loaded."""
        from apps.accounts import enrolment
        from apps.accounts.factors import FACTORS, Factor
        from apps.integrations.returning import PAGES
        from apps.passkeys import policy, queries, showing
        from saas.alerts import PLAYBOOKS
        from saas.authentication import assurance, demands
        from saas.authentication.oauth.modules import JUDGES

        PLAYBOOKS["passkey.copied"] = "copied-passkey"
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
        assurance.LEVELS.append(showing.PHISHING_RESISTANT)
        enrolment.BEFORE.update({"passkey_start", "passkey_creation", "passkey_create"})
        PAGES.update({"passkey_sign_in", "passkey_second_step"})
        JUDGES.append(policy.judge)
        demands.join(
            demands.on_or_off(
                policy.SWITCH,
                "People call with tokens that they got after signing in with a passkey; passwords "
                "and codes are not enough.",
                demand=policy.demand_passkey,
                of_tokens=True,
            )
        )
