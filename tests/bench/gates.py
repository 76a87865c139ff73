"""What must hold, in ratios taken within one run; figures of two machines are never compared."""

from typing import Any, NamedTuple


class Gate(NamedTuple):
    """Ours must be at least `least` times as fast as `rival`; `target` is where we want to be."""

    request: str
    rival: str
    least: float
    target: float


GATES = (
    Gate("list", "bk", 1.5, 3.0),
    Gate("list", "b", 4.0, 8.0),
    Gate("list", "ck", 1.8, 4.0),
    Gate("detail", "bk", 1.1, 2.0),
    Gate("detail", "ck", 1.7, 3.5),
    Gate("POST", "bk", 1.5, 2.5),
    Gate("POST", "ck", 2.5, 4.5),
)
ALL_LAYERS = 2.5  # times the view without any
LAYERS = {  # of the view without any layer
    "authentication": 0.35,
    "row security": 0.40,
    "throttling": 0.25,
    "access log": 0.08,
    "role fields": 0.05,
    "audit": 0.15,
    "idempotency": 0.35,
}
COARSE = 2.0  # for a short run on a busy machine
STATEMENTS = {"list": 2, "detail": 3, "POST": 5}
BOUNDS, REDIS = 2, 1
CPU_GROWTH, LATENCY_GROWTH = 1.3, 1.5  # from 10,000 invoices to a million
BOOT, MEMORY = 0.3, 1.3  # seconds more than b's; times a worker of b's
BUFFERS = 250  # of the plan of a list


def of_rivals(ratios: dict[str, Any]) -> list[str]:
    """Which gates against rivals do not hold."""
    return [
        f"{gate.request} against {gate.rival}: {ratio:.2f}, at least {gate.least}"
        for gate in GATES
        if (ratio := ratios.get(gate.request, {}).get(gate.rival)) is not None
        and ratio < gate.least
    ]


def of_layers(layers: dict[str, Any], *, coarse: bool = False) -> list[str]:
    """Which layers cost more than their share, by CPU: the clock of one process measures its
    neighbours too. A short run tells a mistake from noise only in the sum, and then coarsely.
    """
    broken = []
    for request, figures in layers.items():
        bare, whole = figures["none"][1], figures["all"][1]
        if whole / bare > ALL_LAYERS * (COARSE if coarse else 1):
            broken.append(f"{request}: all layers cost {whole / bare:.2f} times the bare view")
        broken += [
            f"{request}: {name} costs {share:.3f} of the bare view, at most {most}"
            for name, most in LAYERS.items()
            if not coarse and (share := (whole - figures[name][1]) / bare) > most
        ]
    return broken


def of_counts(counts: dict[str, Any]) -> list[str]:
    """Which requests send more than their budget."""
    return [
        f"{request}: {seen['statements']} statements, {seen['bounds']} bounds, {seen['redis']} trips"
        for request, seen in counts.items()
        if seen["statements"] > STATEMENTS[request]
        or seen["bounds"] > BOUNDS
        or seen["redis"] > REDIS
    ]


def of_scale(scale: dict[str, Any]) -> list[str]:
    """What grew with the number of invoices."""
    return [
        f"{name}: {figure} {grown:.2f} times that of the small books, at most {most}"
        for name, figures in scale.items()
        for figure, most in (("pg", CPU_GROWTH), ("p50", LATENCY_GROWTH))
        if (grown := figures[figure]) > most
    ]


def of_processes(boot: dict[str, float], memory: dict[str, tuple[float, float]]) -> list[str]:
    """Whether ours starts later than b, or holds more, than it may."""
    later, more = boot["ours"] - boot["b"], memory["ours"][0] / memory["b"][0]
    broken = [f"it starts {later:.2f} s after b, at most {BOOT}"] if later > BOOT else []
    if more > MEMORY:
        broken.append(f"a worker holds {more:.2f} times what one of b holds, at most {MEMORY}")
    return broken
