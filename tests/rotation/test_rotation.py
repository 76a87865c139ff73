"""`make rotate-drill`: every secret of the register changes while everybody works, and nobody notices."""

import re
import tempfile
import time
import tomllib
from pathlib import Path

import pytest

from tests.conftest import SQLITE
from tests.practices import ROOT
from tests.rotation.acts import ACTS
from tests.rotation.house import furnished
from tests.rotation.load import Load
from tests.servers.places import give_away

pytestmark = pytest.mark.practice("DATA-07")

ROWS = tomllib.loads((ROOT / "docs" / "registers.toml").read_text())["secrets"]
LINE = "{:<20} {:>7} {:>8} {:>6} {:>8}  {}".format


def test_each_secret_of_the_register_is_changed_by_the_drill():
    assert ACTS.keys() == ROWS.keys()


def asked_for(how: str) -> set[str]:
    """The commands that a row names, and their options."""
    return set(re.findall(r"manage\.py (\w+)|(?<=\s)(--[a-z][a-z-]*)", how)) and {
        word
        for pair in re.findall(r"manage\.py (\w+)|(?<=\s)(--[a-z][a-z-]*)", how)
        for word in pair
        if word
    }


@pytest.mark.drill
@pytest.mark.skipif(SQLITE, reason="a house has a PostgreSQL")
def test_every_secret_changes_under_load_and_nobody_notices(capsys):
    with tempfile.TemporaryDirectory(prefix="rotation-", ignore_cleanup_errors=True) as temporary:
        give_away(Path(temporary))
        with furnished(Path(temporary)) as (house, held):
            load = Load(house.address, held, house.office)
            told, wrong = [LINE("secret", "seconds", "requests", "errors", "old left", "done")], []
            with load.running():
                load.settle()
                for name in ROWS:
                    house.done.clear()
                    asked, errors, began = load.asked, len(load.errors), time.monotonic()
                    done, left = ACTS[name](house, load)
                    seconds, errors = time.monotonic() - began, len(load.errors) - errors
                    told.append(
                        LINE(name, f"{seconds:.1f}", load.asked - asked, errors, left, done)
                    )
                    with capsys.disabled():
                        print("\n".join([*told, *load.errors[-errors:][:errors]]), flush=True)
                        told.clear()
                    ran = set(" ".join(house.done).replace("=", " ").split())
                    wrong += [name] if errors or left or asked_for(ROWS[name]["how"]) - ran else []
            assert load.errors == []
            assert wrong == []
