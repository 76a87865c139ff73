"""Reviews as a module: three commands, and nothing that a request meets."""

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    """It keeps no rows: records are files, for whoever audits the house."""

    name = "apps.reviews"
