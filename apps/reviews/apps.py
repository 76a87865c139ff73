"""Reviews as a module: three commands, and nothing that a request meets."""

from collections.abc import Iterator, Mapping

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    """It keeps no rows: records are files, for whoever audits the house."""

    name = "apps.reviews"

    def ready(self) -> None:
        """What is overdue is said whenever something starts."""
        from apps.reviews import checks  # noqa: F401  # registers itself

    def gauges(self) -> Iterator[tuple[str, str, str, Mapping[str, int]]]:
        """For whoever shows numbers of the house: name, help, label, and a number by label."""
        from apps.reviews.registers import overdue_by_register

        words = "Entries of docs/registers.toml that nobody has looked at, or made anew, in time."
        yield "registers_overdue", words, "register", overdue_by_register()
