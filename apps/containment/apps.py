"""Containment as a module: it joins the gate, the notes of an organization, and where tokens are
made.
"""

from django.apps import AppConfig

from saas.errors import CATALOGUE, Kind

WRITE_TO_US = "Write to support: they say why, and until when."


class ContainmentConfig(AppConfig):
    """Everything that the rest of the project knows of this module stands here."""

    name = "apps.containment"
    global_models = {
        "containment.Measure": "what stands against the house, and the list of all that stands",
    }

    def ready(self) -> None:
        """Join once the models are loaded."""
        from apps.containment import checks, refusing, services  # noqa: F401  # checks register
        from apps.organizations.services import MOVES
        from saas.alerts import shut_asked
        from saas.authentication import demands
        from saas.authentication.oauth import modules
        from saas.edge import gate

        CATALOGUE.update(REFUSALS)
        gate.DOORS.append(refusing.shut_door)
        demands.NOTES[services.NOTE] = refusing.told
        modules.TOKEN_JUDGES.append(refusing.judge_client)
        modules.GRANT_JUDGES.append(refusing.judge_grant)
        modules.FACTS.append(refusing.lives)
        modules.grant_made.connect(refusing.judge_consent, dispatch_uid="containment.consent")
        MOVES.append(refusing.refuse_change)
        shut_asked.connect(services.shut, dispatch_uid="containment.shut")


REFUSALS = {
    "organization-frozen": Kind(
        403,
        "This organization is frozen",
        f"Nothing of it is served; it is all there. {WRITE_TO_US}",
    ),
    "organization-read-only": Kind(
        403,
        "This organization is read-only",
        f"What it holds can be read, and nothing be changed. {WRITE_TO_US}",
    ),
    "organization-diverted": Kind(
        403,
        "This call is not let through",
        "For the moment this organization is served only to calls that are signed, or made with a "
        f"bound token, from networks that were agreed on. {WRITE_TO_US}",
    ),
    "read-only": Kind(
        503,
        "The service is read-only",
        "For the moment everything can be read, and nothing be changed. Try again as late as "
        "`Retry-After` says.",
    ),
    "operation-disabled": Kind(
        503,
        "This operation is off",
        "For the moment this one operation is not served. Try again as late as `Retry-After` says.",
    ),
    "maintenance": Kind(
        503,
        "Maintenance",
        "For the moment nothing is served. Try again as late as `Retry-After` says.",
    ),
}
