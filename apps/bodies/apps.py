"""Body logging as a module: it joins what the house notes of an organization."""

from django.apps import AppConfig


class BodiesConfig(AppConfig):
    """It keeps no rows: the note stands with the organization's policy, and is read with it."""

    name = "apps.bodies"

    def ready(self) -> None:
        """Be told of the note."""
        from apps.bodies import recording
        from saas.authentication import demands

        demands.NOTES[recording.NOTE] = recording.told
