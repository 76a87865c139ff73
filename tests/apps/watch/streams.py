"""Recorded days, made by a seed: one in which nothing is wrong, and attacks that hide in it."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from saas.watch.detectors import detectors
from saas.watch.lines import Scene

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE, HOUR, DAY = 60, 3600, 86_400
PEOPLE = 12  # in each office
TYPOS = 6  # on a Monday morning
Lines = list[dict[str, Any]]


class Attack(NamedTuple):
    """Lines of one kind, and whose they are: the finding must be about one of these names."""

    kind: str
    name: str
    scene: Scene
    lines: Lines
    before: Lines


class Town:
    """Some organizations, whose people and machines have a day. Its networks are nobody else's."""

    def __init__(self, seed: int, orgs: Iterable[str]) -> None:
        self.random = random.Random(seed)  # noqa: S311  # a day, no secret
        self.orgs = list(orgs)
        self.block = self.random.randrange(1 << 16)

    def id(self) -> str:
        """One more id."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def address(self) -> str:
        """One more address, which no table places."""
        self.block = (self.block + 1) % (1 << 22)
        return f"100.{64 + (self.block >> 16)}.{self.block >> 8 & 255}.{self.block & 255}"

    def somebody(self, org: str, **more: Any) -> Scene:
        """A person, or with `auth_method` a machine, of this organization."""
        scene = Scene(self.id(), org, ip=self.address(), begins=MONDAY, **more)
        return scene

    # A day in which nothing is wrong.

    def benign(self) -> tuple[Lines, Lines]:
        """What came in the weeks before, and the day."""
        day: Lines = []
        weeks: Lines = []
        for org in self.orgs:
            day += self.office(org)
            for machine in (self.night_job, self.importer):
                scene = self.somebody(org)
                weeks += [line for back in (4, 3, 2, 1) for line in machine(scene, -7 * back * DAY)]
                day += machine(scene, 0)
            day += self.partner(org)
            day += self.phone(org)
        day += self.noise()
        day += self.balancer()
        return in_order(weeks), in_order(day)

    def office(self, org: str) -> Iterator[dict[str, Any]]:
        """People behind one address, who come at nine, mistype, work, and read what there is."""
        address = self.address()
        things = [self.id() for _ in range(600)]
        for number in range(PEOPLE):
            person = self.somebody(org, auth_method="user-token")
            person = replace(person, ip=address, user=person.principal)
            family = self.id()
            comes = 8.5 * HOUR + self.random.random() * HOUR
            if number < TYPOS:
                yield person.stranger(comes - 40, status=200, route="accounts/login/",
                                      method="POST", events=["sign-in.failed"])  # fmt: skip
            yield person.stranger(comes - 20, status=302, route="accounts/login/",
                                  method="POST", events=["sign-in.succeeded"])  # fmt: skip
            at, refreshed = comes, comes
            while at < 17.5 * HOUR:
                for line in self.click(person, at, things):
                    yield line | {"credential_id": family}
                rush = at < comes + 10 * MINUTE
                at += self.random.expovariate(1 / (8 if rush else 55))
                if at - refreshed > 15 * MINUTE:
                    refreshed = at
                    yield person.line(at, route="oauth/token", operation_id="oauth.token",
                                      method="POST", credential_id=family, auth_method=None,
                                      events=["token.refreshed"])  # fmt: skip

    def click(self, person: Scene, at: float, things: list[str]) -> Iterator[dict[str, Any]]:
        """One call; while a new release starts it is answered 503, and sent again."""
        if 14 * HOUR <= at < 14 * HOUR + 2 * MINUTE:
            for n in range(3):
                yield person.line(at + 2**n, status=503, decision="not-ready", bytes_out=200)
            return
        chance = self.random.random()
        some = self.random.sample(things[:60], 20)
        size = self.random.randrange(1500, 4500)
        if chance < 0.5:
            yield person.line(at, object_ids=some, bytes_out=size)
        elif chance < 0.94:
            one = self.random.choice(things[:200])
            yield person.line(at, operation_id="invoices.retrieve", object_ids=[one],
                              bytes_out=size // 2)  # fmt: skip
        elif chance < 0.97:
            yield person.line(at, operation_id="invoices.create", method="POST", status=201,
                              bytes_in=size, bytes_out=size)  # fmt: skip
        elif chance < 0.98:
            yield person.line(at, status=404, operation_id="invoices.retrieve", bytes_out=300)
        elif chance < 0.985:
            yield person.line(at, status=403, operation_id="exports.create", bytes_out=300)
        else:
            yield person.line(at, status=400, method="POST", operation_id="invoices.create",
                              bytes_out=600)  # fmt: skip

    def night_job(self, key: Scene, since: float) -> Iterator[dict[str, Any]]:
        """At two it walks through two thousand invoices."""
        for n in range(400):
            ids = [f"{key.org}-{since}-{n * 5 + m}" for m in range(5)]
            at = since + 2 * HOUR + n * 6
            yield key.line(at, operation_id="invoices.list", object_ids=ids, bytes_out=3000)

    def importer(self, key: Scene, since: float) -> Iterator[dict[str, Any]]:
        """Each Monday at three it takes five thousand."""
        for n in range(50):
            ids = [f"{key.org}-import-{since}-{n * 100 + m}" for m in range(100)]
            yield key.line(since + 3 * HOUR + n * 20, object_ids=ids, bytes_out=4400)

    def partner(self, org: str) -> Iterator[dict[str, Any]]:
        """Three machines of a partner ask for news with one key."""
        key = self.somebody(org)
        addresses = [self.address() for _ in range(3)]
        for n in range(DAY // 40):
            yield key.line(n * 40 + self.random.random(), ip=addresses[n % 3], bytes_out=1600)

    def phone(self, org: str) -> Iterator[dict[str, Any]]:
        """It is opened now and then, in trains and cafés, and refreshes each time."""
        person = self.somebody(org, auth_method="user-token")
        family = self.id()
        for hour in range(7, 23):
            for n in range(4):
                at = hour * HOUR + n * 14 * MINUTE + self.random.random() * MINUTE
                there = {"ip": self.address(), "credential_id": family}
                yield person.line(at, operation_id="oauth.token", method="POST", auth_method=None,
                                  events=["token.refreshed"], **there)  # fmt: skip
                for m in range(5):
                    yield person.line(at + m * 3, bytes_out=2500, **there)

    def noise(self) -> Iterator[dict[str, Any]]:
        """The internet looks whether we are a shop."""
        for _ in range(300):
            scanner = self.somebody(self.orgs[0])
            at = self.random.random() * (DAY - HOUR)
            for n in range(self.random.randrange(1, 12)):
                yield scanner.stranger(at + n * 2, status=self.random.choice([401, 404, 404]))

    def balancer(self) -> Iterator[dict[str, Any]]:
        """Asks for health every ten seconds."""
        probe = self.somebody(self.orgs[0])
        return (probe.stranger(n * 10, status=200, route="health/ready") for n in range(DAY // 10))

    # What is wrong.

    def attacks(self, org: str) -> Iterator[Attack]:
        """Of each kind its own simulation, and what is slower or comes from more places. `org` has
        no office: of callers without a past the watch knows only what their organization does.
        """
        for kind, detector in detectors().items():
            for name, make in [("plain", detector.simulate), *VARIANTS.get(kind, {}).items()]:
                begins = MONDAY + timedelta(hours=9, minutes=self.random.randrange(60))
                scene = replace(self.somebody(org), begins=begins)
                yield Attack(kind, name, scene, make(scene), detector.before(scene))


def in_order(lines: Iterable[dict[str, Any]]) -> Lines:
    """As a log holds them."""
    return sorted(lines, key=lambda line: line["ts"])


def repeated(count: int, seconds: float, **changes: Any) -> Callable[[Scene], Lines]:
    """So many equal lines, so many seconds apart; a value that is callable is given its number."""

    def lines(scene: Scene) -> Lines:
        return [
            scene.line(
                n * seconds,
                **{
                    name: value(scene, n) if callable(value) else value
                    for name, value in changes.items()
                },
            )
            for n in range(count)
        ]

    return lines


def proxies(_: Scene, n: int) -> str:
    """One of forty addresses."""
    return f"192.0.2.{n % 40 + 1}"


def things(number: int) -> Callable[[Scene, int], list[str]]:
    """So many that nobody has read before."""
    return lambda scene, n: [f"{scene.principal}-{n}-{m}" for m in range(number)]


def unproved(count: int, seconds: float, **changes: Any) -> Callable[[Scene], Lines]:
    """The same of a credential that was refused."""
    nobody = {"principal": None, "user_id": None, "auth_method": None, "status": 401}
    return repeated(count, seconds, **nobody | changes)


REFRESH = {"operation_id": "oauth.token", "method": "POST", "auth_method": None}
VARIANTS: dict[str, dict[str, Callable[[Scene], Lines]]] = {
    "refusals.spiked": {
        "fast": repeated(60, 0.5, status=403),
        "slow": repeated(200, 5.5, status=403),
        "distributed": repeated(100, 3, status=403, ip=proxies),
    },
    "client-errors.spiked": {
        "fast": repeated(250, 0.2, status=404),
        "distributed": repeated(400, 1, status=404, ip=proxies),
    },
    "admin-operations.tried": {
        "slow": repeated(12, 280, status=403, operation_id="api-keys.create"),
        "distributed": repeated(6, 60, status=403, operation_id="api-keys.create", ip=proxies),
    },
    "objects.many-read": {
        "fast": repeated(60, 2, object_ids=things(100)),
        "slow": repeated(800, 100, object_ids=things(10)),
        "distributed": repeated(8000, 10, object_ids=things(1), ip=proxies),
    },
    "tokens.refreshed-rapidly": {
        "fast": repeated(20, 1, events=["token.refreshed"], **REFRESH),
        "slow": repeated(60, 85, events=["token.refreshed"], **REFRESH),
        "distributed": repeated(30, 40, events=["token.refreshed"], ip=proxies, **REFRESH),
    },
    "tokens.replayed": {
        "slow": repeated(1, 1, events=["refresh.replayed"], **REFRESH | {"status": 400}),
        "a code": repeated(2, 5, events=["code.replayed"], **REFRESH | {"status": 400}),
    },
    "proofs.replayed": {
        "once": unproved(1, 1, events=["proof.replayed"]),
        "a signature, distributed": unproved(9, 300, events=["signature.replayed"], ip=proxies),
    },
    "credential.on-many-networks": {
        "fast": repeated(12, 1, ip=proxies),
        "slow": repeated(30, 480, ip=proxies),
        "a family": repeated(30, 60, ip=proxies, auth_method="user-token"),
    },
    "honeytoken.network": {"once": unproved(1, 1, events=["honeytoken.used"])},
    "key.awoke": {"once": repeated(1, 1, events=["key.awake"])},
    "country.first-seen": {
        "slow": lambda scene: scene_lines(scene, [(0, "203.0.113.9"), (7 * HOUR, "203.0.113.8")]),
        "a neighbour": lambda scene: scene_lines(scene, [(60, "2001:db8:fe::1")]),
    },
    "travel.impossible": {
        "slow": lambda scene: scene_lines(
            scene, [(0, "198.51.100.9"), (13 * HOUR, "203.0.113.9")], auth_method="user-token"
        ),
        "near": lambda scene: scene_lines(
            scene, [(0, "198.51.100.9"), (600, "2001:db8:fe::1")], auth_method="user-token"
        ),
    },
}


def scene_lines(scene: Scene, places: list[tuple[float, str]], **changes: Any) -> Lines:
    """A call at each of these moments, from there."""
    return [scene.line(at, ip=ip, **changes) for at, ip in places]
