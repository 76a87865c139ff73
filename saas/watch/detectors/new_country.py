"""LOG-10: a caller comes from a country that it never came from."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from saas.watch.detectors import Detector
from saas.watch.lines import Hit, Line, Scene, Subject, principal_of
from saas.watch.places import place_of
from saas.watch.tallies import Tallies

# For simulations: networks for documentation, where a table for tests knows Berlin, Munich and
# Sydney. In a table of the world they are nowhere, so `simulate` plants nothing there.
HOME, TRAIN, AWAY = "198.51.100.7", "192.0.2.7", "203.0.113.7"
NOWHERE = "2001:db8:ff::7"
KEPT = 90 * 86_400  # after so long without a call nothing is usual any more


class NewCountry(Detector):
    """The first country is where somebody starts; each later one is told once, to the person."""

    kind = "country.first-seen"
    means = "A caller came from a country that it has not come from before."
    window = 86_400
    threshold = 1
    playbook = "new-country"
    tells_person = "Your account was used from a country that it has not been used from before."

    def batch(self, lines: Sequence[Line], tallies: Tallies) -> Iterator[tuple[Line, Hit]]:
        """Compare with what is known, and learn. An address that the table does not know is in no
        country.
        """
        seen: dict[Subject, dict[str, Line]] = defaultdict(dict)
        for line in lines:
            subject, place = principal_of(line), place_of(line["ip"])
            if subject and place and line["status"] < 400:
                seen[subject].setdefault(place.country, line)
        keys = {subject: f"watch:countries:{subject.tenant}:{subject.name}" for subject in seen}
        known = tallies.bump({key: {} for key in keys.values()}, KEPT)
        new: dict[str, dict[str, float]] = defaultdict(dict)
        for subject, countries in seen.items():
            usual = set(known[keys[subject]])
            for country, line in countries.items():
                if country in usual:
                    continue
                new[keys[subject]][country] = 1.0
                if usual:
                    yield line, Hit(subject)
                usual.add(country)
        tallies.bump(new, KEPT)

    def before(self, scene: Scene) -> list[dict[str, Any]]:
        """Months in one country."""
        return [scene.line(-86_400 * n, ip=HOME) for n in range(20, 0, -1)]

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """All at once from another one."""
        return [scene.line(60 * n, ip=AWAY) for n in range(20)]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """At home, and from addresses that nobody has placed."""
        return [scene.line(60 * n, ip=HOME if n % 2 else NOWHERE) for n in range(200)]
