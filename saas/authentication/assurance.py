"""How much a sign-in is worth, in the words in which clients ask for it (acr)."""

ONE_FACTOR, TWO_FACTORS = "aal1", "aal2"  # NIST SP 800-63B-4, the weaker first
LEVELS = [ONE_FACTOR, TWO_FACTORS]  # a module that knows a stronger one puts it behind them


def is_met(acr: str, wanted: list[str]) -> bool:
    """Whether a sign-in of this level is enough for who would take any of `wanted`."""
    return acr in LEVELS and any(
        level in LEVELS and LEVELS.index(acr) >= LEVELS.index(level) for level in wanted
    )
