"""Where a database is at home, in its own words, so that a copy knows that it is one."""

from django.db import models
from django.utils import timezone

from saas.ids import IdField
from saas.persistence.guards import AppendOnly


class Home(AppendOnly):
    """From `at` on, the database at `place` may work, or is held."""

    id = IdField()
    place = models.CharField(max_length=100)
    is_held = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        """The place."""
        return self.place
