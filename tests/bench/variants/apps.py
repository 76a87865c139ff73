"""The rivals as one Django app."""

from django.apps import AppConfig


class Variants(AppConfig):
    """Its name is short, for the names of its tables."""

    name = "tests.bench.variants"
    label = "variants"
