"""What was measured, as Markdown."""

import statistics
from collections.abc import Iterator
from typing import Any

from tests.bench.gates import GATES, LAYERS
from tests.bench.serving import NAMES


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Every table that the run has figures for."""
    yield ", ".join(f"{name} {value}" for name, value in found["machine"].items())
    yield (
        f"{found['size']['invoices']:,} invoices; {found['seconds']:.0f} s in all, "
        f"{found['seconds to load']:.0f} s of them to load; {found['stolen']:.1f} s stolen by the host"
    )
    if "ratios" in found:
        yield from (
            "",
            *against_rivals(found["ratios"], found["races"]),
            "",
            *costs(found["races"]),
        )
    yield from ("", *of_layers(found["layers"]), "", *of_counts(found["counts"]))
    if "scale" in found:
        yield from ("", *of_scale(found["scale"]))
    yield from ("", *of_workers(found))


def row(*cells: Any) -> str:
    """One row of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def head(*cells: Any) -> Iterator[str]:
    """The first two rows."""
    yield row(*cells)
    yield row(*("---" for _ in cells))


def against_rivals(ratios: dict[str, Any], races: dict[str, Any]) -> Iterator[str]:
    """How many times as many requests ours answers: median, and the range of the rounds. Beside
    it what a busy machine bends less: how many times the CPU a rival needs for one.
    """
    least = {(gate.request, gate.rival): f"{gate.least} / {gate.target}" for gate in GATES}
    yield from head(
        "request", "ours against", "1 connection", "16 connections", "by CPU", "gate / target"
    )
    for request, rivals in ratios.items():
        if request == "held":
            continue
        rounds = races[request]["16"]
        for rival, by_connections in rivals.items():
            if rival != "ours":
                cells = [spread(pairs) for pairs in by_connections.values()]
                by_cpu = [
                    (theirs["app"] + theirs["pg"]) / (mine["app"] + mine["pg"])
                    for mine, theirs in zip(rounds["ours"], rounds[rival], strict=True)
                ]
                gate = least.get((request, rival), "–")
                yield row(request, NAMES[rival], *cells, spread(by_cpu), gate)


def spread(pairs: list[float]) -> str:
    """A median with its range."""
    return f"{statistics.median(pairs):.2f} ({min(pairs):.2f}–{max(pairs):.2f})"


def costs(races: dict[str, Any]) -> Iterator[str]:
    """CPU of one request, which a busy machine bends less than the clock."""
    yield from head(
        "request",
        "variant",
        "CPU of the application, µs",
        "of PostgreSQL, µs",
        "p50, ms",
        "p99, ms",
    )
    for request, by_connections in races.items():
        for name, rounds in by_connections["16"].items():
            figures = [
                statistics.median(one[key] for one in rounds) for key in ("app", "pg", "p50", "p99")
            ]
            yield row(
                request,
                name,
                f"{figures[0]:.0f}",
                f"{figures[1]:.0f}",
                f"{figures[2]:.1f}",
                f"{figures[3]:.1f}",
            )


def of_layers(layers: dict[str, Any]) -> Iterator[str]:
    """The share of each layer, in CPU of the bare view."""
    yield from head("layer, as a share of the view without any", *layers, "budget")
    for name in next(iter(layers.values())):
        if name != "none":
            shares = []
            for figures in layers.values():
                bare, whole = figures["none"][1], figures["all"][1]
                shares.append(
                    f"{(whole if name == 'all' else whole - figures[name][1]) / bare:.2f}"
                )
            yield row(
                "all of them, times" if name == "all" else name, *shares, LAYERS.get(name, "–")
            )


def of_counts(counts: dict[str, Any]) -> Iterator[str]:
    """What a request sends."""
    yield from head("request", "statements", "BEGIN and COMMIT", "Redis")
    for request, seen in counts.items():
        yield row(request, *seen.values())


def of_scale(scale: dict[str, Any]) -> Iterator[str]:
    """What a hundred times the invoices cost."""
    yield from head("a million invoices against 10,000", "CPU of PostgreSQL, times", "p50, times")
    for name, figures in scale.items():
        yield row(name, f"{figures['pg']:.2f}", f"{figures['p50']:.2f}")


def of_workers(found: dict[str, Any]) -> Iterator[str]:
    """Start and memory."""
    yield from head(
        "variant", "from start to first answer, s", "memory (PSS) of a worker, MB", "of all"
    )
    for name, boot in found["boot"].items():
        yield row(name, f"{boot:.2f}", *(f"{one:.0f}" for one in found["memory"][name]))
