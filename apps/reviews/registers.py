"""What the house has promised to look at again, and when it last did."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from apps.reviews import records


class Due(NamedTuple):
    """An entry of a register, and the day by which somebody must look at it again."""

    register: str
    name: str
    owner: str
    on: date

    @property
    def is_overdue(self) -> bool:
        """Whether that day is over."""
        return self.on < timezone.localdate()

    def __str__(self) -> str:
        """For who may have to do it."""
        late = (timezone.localdate() - self.on).days
        return f"{self.register} {self.name}: overdue since {self.on}, {late} days ({self.owner})"


def registers_file() -> Path:
    """Where they stand."""
    return Path(getattr(settings, "SAAS_REGISTERS", settings.BASE_DIR / "docs" / "registers.toml"))


def entries() -> Iterator[Due]:
    """All of them. The newest sealed record counts where it is newer than what is written there.

    Raises KeyError or ValueError for an entry that says too little.
    """
    for register, named in tomllib.loads(registers_file().read_text()).items():
        for name, entry in named.items():
            dates = [entry["reviewed_on"]]
            if (kind := entry.get("record")) and (last := records.last_on(kind)):
                dates.append(last)
            yield Due(
                register, name, entry["owner"], max(dates) + timedelta(days=entry["every_days"])
            )


def overdue() -> list[Due]:
    """What should have been looked at or made anew, the latest last."""
    return sorted((one for one in entries() if one.is_overdue), key=lambda one: one.on)


def overdue_by_register() -> dict[str, int]:
    """How much that is, for a number on the wall (DATA-07)."""
    counts = Counter[str]()
    for one in entries():
        counts[one.register] += one.is_overdue
    return counts
