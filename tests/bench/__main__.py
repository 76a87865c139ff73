"""`python -m tests.bench [--smoke] [--invoices N]`: load, prove parity, measure, compare, hold the gates.

Prints a table of ratios and writes it, with everything that was measured, to var/bench/.
"""

import argparse
import json
import os
import platform
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from tests.bench import data, gates, parity, plans
from tests.bench.report import lines
from tests.bench.serving import NAMES, ROOT, Server, can_run, cpu, served, used_since
from tests.servers import Missing, provide

OUTPUT = ROOT / "var" / "bench"
LOAD = Path(__file__).with_name("load.py")
CONNECTIONS = (1, 16)
SMALL = 10_000


class Size(NamedTuple):
    """How much of everything."""

    invoices: int
    tenants: int
    rounds: int
    seconds: float
    layer_rounds: int


FULL, SMOKE = Size(1_000_000, 1000, 7, 1.3, 30), Size(SMALL, 100, 1, 0.3, 2)


class Stage(NamedTuple):
    """Loaded books, the rivals' copy, and the requests."""

    books: data.Books
    rivals: str
    ids: list[str]
    full: str
    deep: str

    def order(self, server: Server, kind: str, who: str = "hot") -> dict[str, Any]:
        """What the load process is told."""
        body = parity.invoice(self.books.cast[who]["customers"][0]) if kind == "POST" else ""
        method = "POST" if kind == "POST" else "GET"
        paths = [f"/invoices/{id}" for id in self.ids] if kind == "detail" else ["/invoices"]
        return {
            "port": server.port,
            "head": server.head(method, who, len(body.encode())),
            "paths": paths,
            "body": body,
            "status": 201 if kind == "POST" else 200,
            "seed": secrets.randbelow(1 << 30),
        }


@contextmanager
def staged(name: str, size: Size) -> Iterator[Stage]:
    """Both databases, loaded."""
    with ExitStack() as stack:
        app, owner = stack.enter_context(data.database(f"strongroom_bench_{name}"))
        books = data.fill(app, owner, invoices=size.invoices, tenants=size.tenants)
        for one in books.cast.values():
            one["token"] = secrets.token_urlsafe(32)
        copied = data.database(f"strongroom_rivals_{name}", f"strongroom_bench_{name}")
        _, rivals = stack.enter_context(copied)
        data.unwall(rivals)
        subprocess.run(
            [sys.executable, "-m", "tests.bench.variants.prepare", json.dumps(books.cast)],
            env=os.environ
            | {
                "DATABASE_URL": rivals,
                "VARIANT": "ck",
                "DJANGO_SETTINGS_MODULE": "tests.bench.variants.settings",
            },
            check=True,
        )
        with psycopg.connect(rivals) as connection:
            mine = "FROM invoices_invoice WHERE tenant_id = %s"
            hot = [books.cast["hot"]["tenant"]]
            some = f"SELECT id {mine} ORDER BY md5(id::text) LIMIT 2000"
            ids = [str(id) for (id,) in connection.execute(some, hot)]
            [full] = connection.execute(f"SELECT id {mine} AND prepaid > 0 LIMIT 1", hot).fetchone()  # type: ignore[misc]  # there is one
        yield Stage(books, rivals, ids, str(full), "")


def measured(
    stage: Stage, server: Server, order: dict[str, Any], connections: int, seconds: float
) -> dict[str, Any]:
    """One slice of load: what it saw, and what it cost the application and PostgreSQL."""
    with psycopg.connect(stage.rivals) as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
        backends = [pid for (pid,) in connection.execute(query, [f"bench-{server.name}"])]
    workers = server.pids()
    before = cpu(workers), cpu(backends)
    answer = subprocess.run(
        [sys.executable, LOAD],
        input=json.dumps(order | {"connections": connections, "seconds": seconds}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    seen: dict[str, Any] = json.loads(answer)
    if seen["wrong"]:
        raise RuntimeError(
            f"{server.name}: {seen['wrong_count']} wrong answers, such as {seen['wrong'][0]}"
        )
    seen["rate"] = seen["requests"] / seen["seconds"]
    seen["app"] = used_since(before[0]) / seen["requests"] * 1e6
    seen["pg"] = used_since(before[1]) / seen["requests"] * 1e6
    return seen


def raced(stage: Stage, servers: Sequence[Server], size: Size) -> dict[str, Any]:
    """Every request against every variant, interleaved; b differs from bk in its list alone."""
    seen: dict[str, Any] = {}
    for kind in ("list", "detail", "POST"):
        racing = [server for server in servers if server.name != "b" or kind == "list"]
        for connections in CONNECTIONS:
            rounds: dict[str, list[Any]] = {server.name: [] for server in racing}
            for server in racing:
                measured(stage, server, stage.order(server, kind), connections, size.seconds / 3)
            for _ in range(size.rounds):
                for server in racing:
                    order = stage.order(server, kind)
                    rounds[server.name].append(
                        measured(stage, server, order, connections, size.seconds)
                    )
            seen.setdefault(kind, {})[str(connections)] = rounds
    return seen


def ratios(races: dict[str, Any]) -> dict[str, Any]:
    """Ours against each rival: for each number of connections the ratios of all rounds; and the one
    that gates hold against, the lower of the two medians.
    """
    found: dict[str, Any] = {"held": {}}
    for kind, by_connections in races.items():
        for connections, rounds in by_connections.items():
            ours = rounds["ours"]
            for rival in rounds:
                pairs = [
                    mine["rate"] / theirs["rate"]
                    for mine, theirs in zip(ours, rounds[rival], strict=True)
                ]
                found.setdefault(kind, {}).setdefault(rival, {})[connections] = pairs
        found["held"][kind] = {
            rival: min(statistics.median(pairs) for pairs in each.values())
            for rival, each in found[kind].items()
        }
    return found


def booted(stage: Stage, rounds: int) -> dict[str, float]:
    """Seconds from start to first answer, of ours and of b, while nothing else runs."""
    seen: dict[str, list[float]] = {"b": [], "ours": []}
    for _ in range(rounds):
        for name, seconds in seen.items():
            with served(name, stage.books, stage.rivals) as server:
                seconds.append(server.boot)
    return {name: statistics.median(seconds) for name, seconds in seen.items()}


def grown(large: Stage, small: Stage, size: Size) -> dict[str, Any]:
    """Ours on a hundred times the invoices: PostgreSQL's CPU and the median latency, as ratios."""
    asked = [
        (f"{kind} of {who}", kind, who)
        for who in ("hot", "small")
        for kind in ("list", "deep list", "detail", "POST")
    ]
    seen: dict[str, list[list[Any]]] = {name: [] for name, *_ in asked}
    with ExitStack() as stack:
        places = [
            (one, stack.enter_context(served("ours", one.books, one.rivals)))
            for one in (small, large)
        ]
        for name, kind, who in asked:
            orders = [scale_order(one, server, kind, who) for one, server in places]
            for turn in range(4):
                pair = [
                    measured(one, server, order, 1, size.seconds)
                    for (one, server), order in zip(places, orders, strict=True)
                ]
                if turn:  # the first warms
                    seen[name].append(pair)
    return {
        name: {
            figure: statistics.median(big[figure] for _, big in pairs)
            / max(statistics.median(few[figure] for few, _ in pairs), 1e-9)
            for figure in ("pg", "p50")
        }
        for name, pairs in seen.items()
    }


def scale_order(stage: Stage, server: Server, kind: str, who: str) -> dict[str, Any]:
    """A request of one tenant's; the deep list starts at nine tenths of its invoices."""
    order = stage.order(server, "list" if kind == "deep list" else kind, who)
    tenant = stage.books.cast[who]["tenant"]
    with psycopg.connect(stage.rivals) as connection:
        query = "SELECT id FROM invoices_invoice WHERE tenant_id = %s AND created_at < now() - interval '1 day' ORDER BY md5(id::text) LIMIT 500"
        if kind == "detail":
            order["paths"] = [f"/invoices/{id}" for (id,) in connection.execute(query, [tenant])]
        if kind == "deep list":
            order["paths"] = ["/invoices?" + deep_query(stage, tenant)]
    return order


def deep_query(stage: Stage, tenant: str) -> str:
    """The cursor of the page that starts behind nine tenths of a tenant's invoices."""
    program = f"""
import django; django.setup()
from django.db.models import QuerySet
from apps.invoices.models import Invoice
from saas.responses import pages
from saas.tenancy.binding import bind
from uuid import UUID
with bind(UUID("{tenant}")):
    rows = Invoice.objects.order_by("-id")
    row = rows[int(rows.count() * 0.9)]
    context = pages.context_of(UUID("{tenant}"), "invoices.list", "/api/v1/invoices", {{}})
    print(pages.link("", {{}}, pages.Place(None, str(row.pk), False), context).partition("?")[2])
"""
    return data.python(stage.books, "-c", program).strip()


def layered(stage: Stage, rounds: int) -> dict[str, Any]:
    """What each layer costs in one process, and what a request sends."""
    one = stage.books.cast["hot"]
    order = {
        "key": one["key"],
        "rivals": stage.rivals,
        "rounds": rounds,
        "requests": {
            "list": ["GET", "/api/v1/invoices", ""],
            "detail": ["GET", f"/api/v1/invoices/{stage.ids[0]}", ""],
            "POST": ["POST", "/api/v1/invoices", parity.invoice(one["customers"][0])],
        },
    }
    command = [sys.executable, "-m", "tests.bench.layers"]
    answer = subprocess.run(
        command,
        env=stage.books.environment,
        input=json.dumps(order),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, Any] = json.loads(answer.stdout)
    return figures


def machine(rivals: str) -> dict[str, Any]:
    """What the figures stand on."""
    import django

    with psycopg.connect(rivals) as connection:
        [postgresql] = connection.execute("SHOW server_version").fetchone()  # type: ignore[misc]  # one row
        [fsync] = connection.execute("SHOW fsync").fetchone()  # type: ignore[misc]  # one row
    return {
        "python": platform.python_version(),
        "django": django.__version__,
        "postgresql": postgresql,
        "fsync": fsync,
        "cores": os.cpu_count(),
    }


def keep(found: dict[str, Any]) -> Path:
    """Write down what has been measured so far; gives the file."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    file = OUTPUT / ("smoke.json" if found["size"]["invoices"] == SMALL else "bench.json")
    file.write_text(json.dumps(found, indent=1))
    return file


def stolen() -> float:
    """Seconds of CPU that the machine's host has kept for others, since it started."""
    return int(Path("/proc/stat").read_text().split()[8]) / os.sysconf("SC_CLK_TCK")


def main() -> int | str:
    """Give back 0, or 1 when a gate does not hold."""
    arguments = argparse.ArgumentParser(prog="tests.bench")
    arguments.add_argument("--smoke", action="store_true", help="half a minute, on small books")
    arguments.add_argument("--invoices", type=int, help="instead of a million")
    asked = arguments.parse_args()
    size = SMOKE if asked.smoke else FULL
    size = size._replace(invoices=asked.invoices or size.invoices)
    try:
        print(f"servers: {provide()}", flush=True)
    except Missing as reason:
        return str(reason)
    begun, steal = time.perf_counter(), stolen()
    with ExitStack() as stack:
        stage = stack.enter_context(staged("full", size))
        found: dict[str, Any] = {"machine": machine(stage.rivals), "size": size._asdict()}
        found["seconds to load"] = time.perf_counter() - begun
        missing = [name for name in NAMES if not can_run(name)]
        if missing:
            print(f"not here: {', '.join(missing)} (requirements/install bench)")
        with ExitStack() as standing:
            names = [name for name in NAMES if can_run(name)]
            servers = [
                standing.enter_context(served(name, stage.books, stage.rivals)) for name in names
            ]
            customer = stage.books.cast["hot"]["customers"][0]
            broken = [
                f"parity: {one}"
                for one in parity.differences(servers, [stage.ids[0], stage.full], customer)
            ]
            if not broken and not asked.smoke:
                found["races"] = raced(stage, servers, size)
                found["ratios"] = ratios(found["races"])
                keep(found)
            found["boot"] = {one.name: one.boot for one in servers}
            found["memory"] = {one.name: one.memory() for one in servers}
        if not asked.smoke:
            found["boot"] |= booted(stage, size.rounds)
            broken += gates.of_processes(found["boot"], found["memory"])
        broken += [
            f"plan: {one}" for one in plans.faults(stage.books.app, stage.books.cast, gates.BUFFERS)
        ]
        found |= layered(stage, size.layer_rounds)
        keep(found)
        if not asked.smoke:
            small = stack.enter_context(staged("small", SMOKE))
            found["scale"] = grown(stage, small, size)
    found["stolen"] = stolen() - steal
    found["seconds"] = time.perf_counter() - begun
    broken += gates.of_rivals(found.get("ratios", {}).get("held", {}))
    broken += gates.of_layers(found["layers"], coarse=asked.smoke)
    broken += gates.of_counts(found["counts"])
    broken += gates.of_scale(found.get("scale", {}))
    found["broken"] = broken
    table = "\n".join(lines(found))
    name = keep(found).stem
    (OUTPUT / f"{name}.md").write_text(table + "\n")
    print(table)
    for one in broken:
        print(f"GATE {one}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
