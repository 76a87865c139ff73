"""`make rotate-drill`: every secret of the register changes while everybody works, and nobody notices."""

import os
import re
import tempfile
import time
import tomllib
from pathlib import Path

import pytest

from tests.conftest import SQLITE
from tests.practices import ROOT
from tests.rotation.acts import ACTS, erase
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
    named = re.findall(r"manage\.py ([\w ]+)", how)
    return {words.split()[0] for words in named} | set(re.findall(r"--[a-z][a-z-]*", how))


@pytest.mark.drill
@pytest.mark.skipif(SQLITE, reason="a house has a PostgreSQL")
def test_every_secret_changes_under_load_and_nobody_notices(capsys):
    acts = {name: ACTS[name] for name in os.environ.get("SECRETS", "").split() or ROWS}
    acts["a destroyed key"] = erase
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="rotation-", ignore_cleanup_errors=True) as temporary:
        give_away(Path(temporary))
        with furnished(Path(temporary)) as (house, held), capsys.disabled():
            load = Load(house.address, held, house.office)
            print(LINE("\nsecret", "seconds", "requests", "errors", "old left", "done"))
            with load.running():
                load.settle()
                for name, act in acts.items():
                    house.done.clear()
                    asked, before, began = load.asked, len(load.errors), time.monotonic()
                    try:
                        done, left = act(house, load)
                    finally:
                        failed = load.errors[before:]
                        for one in failed[:5]:
                            print(one[:300])
                    seconds = f"{time.monotonic() - began:.0f}"
                    print(
                        LINE(name, seconds, load.asked - asked, len(failed), left, done), flush=True
                    )
                    ran = set(" ".join(house.done).replace("=", " ").split())
                    wrong += (
                        [name]
                        if failed or left or asked_for(ROWS.get(name, {}).get("how", "")) - ran
                        else []
                    )
    assert load.asked > 100
    assert load.errors == wrong == []
