"""`python -m tests.sabotage [--changed BASE] [ID…]` removes each protection in turn.

Each change is made in a copy of the tree, and the test that the registry names for it must fail
there; on the unchanged copy the same test must pass.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import cache_from_source
from pathlib import Path, PurePath
from queue import SimpleQueue
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.deployment import fresh_database
from tests.practices import REGISTRY, ROOT, Sabotage, practices, read_registry
from tests.sabotage.trial import Verdict
from tests.servers import Missing, provide

WORKERS = 2
PATIENCE = 300  # seconds, on a busy machine; a change that only makes the tests hang proves nothing
ANYTHING = "config.urls"  # for a trial without a change
ALIVE = "tests/sabotage/test_alive.py::test_an_ordinary_request_still_succeeds"
WORDS = {
    Verdict.RED: "noticed",
    Verdict.GREEN: "NOT NOTICED",
    Verdict.VOID: "VOID",
}


class CannotJudge(Exception):
    """A test that is to notice something fails by itself; the message is what it said."""


class Outcome(NamedTuple):
    """How one trial ended, what it printed, and the seconds that it took."""

    verdict: Verdict
    output: str
    seconds: float


def main(arguments: list[str]) -> int | str:
    """Print a line for each protection; 0 when every one was noticed."""
    options = parsed(arguments)
    os.environ.pop("SAAS_TEST_DATABASE", None)  # some walls stand on PostgreSQL alone
    try:
        chosen = list(choose(options.ids, options.changed))
        verdicts = try_all(chosen) if chosen else []
    except (ValueError, Missing, CannotJudge) as reason:
        return str(reason)
    noticed = verdicts.count(Verdict.RED)
    print(f"{noticed} of {len(chosen)} protections noticed")
    return 0 if noticed == len(chosen) else 1


def try_all(sabotages: list[Sabotage]) -> list[Verdict]:
    """Copy the project, see that the tests pass there, and try each sabotage."""
    provide()
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder, fresh_database() as urls:
        trees = [copied(Path(folder) / str(number)) for number in range(WORKERS)]
        migrate(urls)
        demand_green(trees, sorted({sabotage.test for sabotage in sabotages}))
        return all_tried(trees, sabotages)


def parsed(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.sabotage", description=__doc__)
    parser.add_argument("--changed", metavar="BASE", help="only what differs from this commit")
    parser.add_argument("ids", nargs="*", metavar="ID", help="practices, such as AUTHZ-02")
    return parser.parse_args(arguments)


def choose(ids: list[str], base: str | None) -> Iterator[Sabotage]:
    """The sabotages that were asked for. Raises ValueError for an id that does not exist."""
    known = practices()
    if unknown := set(ids) - known.keys():
        raise ValueError(f"No such practice: {', '.join(sorted(unknown))}")
    is_new = changed_since(base) if base else lambda sabotage: True
    for id, practice in known.items():
        if not ids or id in ids:
            yield from filter(is_new, practice.sabotages)


def changed_since(base: str) -> Callable[[Sabotage], bool]:
    """Whether a sabotage, its file or its test differs from the commit `base`; without such a
    commit, always.
    """
    exists = ["git", "rev-parse", "--quiet", "--verify", f"{base}^{{commit}}"]
    if subprocess.run(exists, cwd=ROOT, capture_output=True).returncode:
        print(f"{base} is no commit here: trying every protection.")
        return lambda sabotage: True
    files = {
        *listed("diff", "--name-only", "--relative", base),
        *listed("ls-files", "--others", "--exclude-standard"),
    }
    before = sabotages_of(base)
    return lambda sabotage: (
        sabotage not in before
        or sabotage.file in files
        or sabotage.test.partition("::")[0] in files
    )


def sabotages_of(base: str) -> set[Sabotage]:
    """What the registry held at a commit."""
    show = ["git", "show", f"{base}:./{REGISTRY.relative_to(ROOT)}"]
    shown = subprocess.run(show, cwd=ROOT, capture_output=True, text=True)
    registry = read_registry(shown.stdout) if shown.returncode == 0 else {}
    return {sabotage for practice in registry.values() for sabotage in practice.sabotages}


def listed(*command: str) -> list[str]:
    """The paths that a git command prints."""
    output = subprocess.check_output(["git", *command, "-z"], cwd=ROOT, text=True)
    return [path for path in output.split("\0") if path]


def copied(tree: Path) -> Path:
    """The project as it stands, committed or not, without what git ignores."""
    for path in listed("ls-files", "--cached", "--others", "--exclude-standard"):
        if (ROOT / path).is_file():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, tree / path)
    return tree


def migrate(urls: dict[str, str]) -> None:
    """Make the tables once; the trials clone them (see tests/conftest.py)."""
    settings = {"DJANGO_SETTINGS_MODULE": "config.settings.test"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=os.environ | settings | urls, check=True)
    os.environ["SAAS_TEST_TEMPLATE"] = urlsplit(urls["DATABASE_URL"]).path.removeprefix("/")


def shapes_the_database(file: str) -> bool:
    """Whether a change of this file may show in the tables that `migrate` makes."""
    path = PurePath(file)
    rooms = {"persistence", "migrations", "settings"}
    if not {"leased", "providers"}.isdisjoint(path.parts):
        return False  # how a connection is made, and whom keys are asked of
    return path.name in ("models.py", "ids.py") or not rooms.isdisjoint(path.parts)


def demand_green(trees: list[Path], tests: list[str]) -> None:
    """Raises CannotJudge when a test fails that no change has touched."""
    shares = [share for number in range(WORKERS) if (share := tests[number::WORKERS])]

    def unchanged(tree: Path, share: list[str]) -> Outcome:
        return tried(tree, ANYTHING, [ALIVE, *share])

    with ThreadPoolExecutor(WORKERS) as pool:
        for outcome in pool.map(unchanged, trees, shares):
            if outcome.verdict != Verdict.GREEN:
                words = last_lines(outcome.output)
                raise CannotJudge(f"{words}\nWithout any change these must pass first.")


def all_tried(trees: list[Path], sabotages: list[Sabotage]) -> list[Verdict]:
    """Try every sabotage, one at a time in each tree, and say how it ended."""
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)

    def one(sabotage: Sabotage) -> Verdict:
        tree = free.get()
        try:
            outcome = try_sabotage(tree, sabotage)
        finally:
            free.put(tree)
        print(reported(sabotage, outcome), flush=True)
        return outcome.verdict

    with ThreadPoolExecutor(len(trees)) as pool:
        return list(pool.map(one, sabotages))


def try_sabotage(tree: Path, sabotage: Sabotage, alive: str = ALIVE) -> Outcome:
    """Take the protection away in `tree`, run the named test, put it back."""
    environment = dict(os.environ)
    if shapes_the_database(sabotage.file):
        environment.pop("SAAS_TEST_TEMPLATE", None)
    with changed_file(tree / sabotage.file, sabotage.mutated):
        return tried(tree, sabotage.module, [alive, sabotage.test], environment)


@contextmanager
def changed_file(path: Path, change: Callable[[str], str]) -> Iterator[None]:
    """A file with other content for the length of the block, for Python's cache too."""
    before = path.read_text()
    compiled = Path(cache_from_source(str(path)))
    path.write_text(change(before))
    compiled.unlink(missing_ok=True)  # it may have the size and the second of the change
    try:
        yield
    finally:
        path.write_text(before)
        compiled.unlink(missing_ok=True)


def tried(
    tree: Path, module: str, tests: Iterable[str], environment: dict[str, str] | None = None
) -> Outcome:
    """Run the tests in `tree`, in a process of their own."""
    command = [sys.executable, "-m", "tests.sabotage.trial", module, *tests]
    started = time.monotonic()
    try:
        ended = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        code, output = ended.returncode, ended.stdout
    except subprocess.TimeoutExpired:
        code, output = Verdict.VOID, f"No answer within {PATIENCE} seconds."
    verdict = Verdict(code) if code in Verdict else Verdict.VOID
    return Outcome(verdict, output, time.monotonic() - started)


def reported(sabotage: Sabotage, outcome: Outcome) -> str:
    """One line, and for what was not noticed the last words of the trial."""
    line = (
        f"{sabotage.practice:<9} {WORDS[outcome.verdict]:<11} {outcome.seconds:5.1f} s  "
        f"{sabotage.file}  {sabotage.test.rpartition('::')[2]}"
    )
    if outcome.verdict == Verdict.RED:
        return line
    return f"{line}\n{last_lines(outcome.output)}"


def last_lines(output: str, count: int = 25) -> str:
    """The end of what a trial printed, set in."""
    return "\n".join(f"    {line}" for line in output.strip().splitlines()[-count:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
