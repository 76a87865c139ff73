"""What the checkpoints saw of a chain, for whoever verifies it."""

from apps.checkpoints import lines, queries, services
from apps.checkpoints.lines import SHOWN, Story
from apps.checkpoints.sinks import sink
from saas.audit.chain import Fault, Testimony
from saas.tenancy.binding import bound_tenant


def difference(story: Story, shown: dict[int, tuple[object, ...]]) -> Fault | None:
    """Where the table that the API reads from is not what the file holds. It may lack the last
    lines for a moment; no more.
    """
    behind = 0  # the entry that the line before is about
    for number, line in enumerate(story.lines, 1):
        row = shown.pop(number, None)
        if row != tuple(line[name] for name in SHOWN) and (row or shown):
            reason = f"checkpoint {number} in the table is not the one in the file"
            return Fault(behind + 1, reason)
        behind = line["seq"]
    if shown:
        return Fault(behind + 1, "the table holds a checkpoint that is not in the file")
    return None


class Checkpoints:
    """A witness of every chain (saas.audit.chain.Witness)."""

    def testify(self) -> Testimony:
        """The hashes of the bound tenant's entries as they were signed."""
        if (where := sink()) is None:
            return Testimony([])
        shown = {row[0]: row for row in queries.checkpoints().values_list(*SHOWN)}
        story = lines.read(bound_tenant(), where.lines(bound_tenant()))
        ended = frozenset((kind, id) for line in story.lines for kind, id in line["ended"])
        return Testimony(story.hashes, story.fault or difference(story, shown), ended)

    def accept_loss(self, seq: int, hash: str) -> None:
        """One more line, which says so."""
        services.accept_loss(seq, hash)
