"""`python -m tests.rotation.seed` fills the house, and prints what its callers hold, as JSON."""

import json
import sys

import django


def main() -> None:
    """Everything that the load shows, made as the suite makes it."""
    from django.contrib.auth.tokens import default_token_generator
    from django.utils import timezone

    from apps.integrations.models import ApiKey
    from saas.tenancy.binding import bind
    from tests.apps.accounts.test_sign_in import PASSWORD
    from tests.cast import make_tenant
    from tests.oauth import make_client, make_service, tokens_for
    from tests.rotation.load import BUYER, PROVED_BY, READ
    from tests.saas.authentication.oidc.browser import Person

    acme = make_tenant("Acme")
    made = acme.owner.post("customers", BUYER)
    globex = make_tenant("Globex")
    with bind(globex.id):  # the others there never call
        ApiKey.objects.exclude(pk=globex.owner.key.pk).update(revoked_at=timezone.now())
    theirs = globex.owner.post("customers", BUYER)
    app = make_client(acme, READ, "openid", secret="")
    service = make_service(acme, READ)
    person = Person(acme.clerk, app)
    viewer = acme.viewer.user
    viewer.set_password(PASSWORD)
    viewer.save()
    forgetful = acme.accountant.user
    held = {
        "organization": str(acme.id),
        "keys": [member.secret for member in acme.members if member is not acme.viewer],
        "owner": acme.owner.secret,
        "customer": made.json()["id"],
        "app": app.client_id,
        "refresh": tokens_for(acme.admin, READ, "openid", client=app)["refresh_token"],
        "service": service.client_id,
        "session": person.browser.cookies[PROVED_BY].value,
        "viewer": [viewer.email, PASSWORD],
        "viewers key": acme.viewer.secret,
        "closing": [str(globex.id), theirs.json()["id"], globex.owner.secret],
        "link": f"{forgetful.pk}/{default_token_generator.make_token(forgetful)}",
    }
    json.dump(held, sys.stdout)


if __name__ == "__main__":
    django.setup()
    main()
