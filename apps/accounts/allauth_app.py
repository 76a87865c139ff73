"""allauth's accounts, without its demand to run for every request."""

from allauth.account.apps import AccountConfig


class PagesOnly(AccountConfig):
    """Its middleware runs for pages (SAAS_PAGE_MIDDLEWARE), so it is not in MIDDLEWARE."""

    def ready(self) -> None:
        """Register its checks."""
        from allauth.account import checks

        assert checks  # noqa: S101  # imported for what it registers
