"""A checkpoint as a line of the file: a signed statement, and the details whose digest it signs."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from apps.checkpoints import signing
from apps.checkpoints.models import Checkpoint
from saas.audit.chain import Fault, Kept
from saas.audit.models import GENESIS
from saas.tenancy.binding import bound_tenant

MARK = (
    4  # bytes of each entry's hash: enough to name the one that differs; the whole hash proves it
)
SIGNED = ("tenant", "number", "kind", "seq", "hash", "at", "previous", "detail", "key")
SHOWN = (*SIGNED[1:], "signature")


def statement(line: dict[str, Any]) -> str:
    """What is signed: JSON with sorted keys and no white space."""
    return _plain({name: line[name] for name in SIGNED})


def digest(text: str) -> str:
    """SHA-256 in hex."""
    return sha256(text.encode()).hexdigest()


def digest_of(text: str) -> str:
    """How the following line names this one."""
    return digest(statement(json.loads(text)))


def parsed(text: str) -> dict[str, Any]:
    """A line as it was written."""
    line: dict[str, Any] = json.loads(text)
    return line


def seen(
    number: int, entries: Sequence[Kept], previous: str, ended: dict[int, tuple[str, str]]
) -> str:
    """The line that says: these entries stood in the bound tenant's chain. `ended` are rows whose
    power an entry ended, by its number.
    """
    marks = b"".join(bytes.fromhex(entry.hash[: 2 * MARK]) for entry in entries)
    here = [list(ended[entry.seq]) for entry in entries if entry.seq in ended]
    last = entries[-1]
    return _line(number, Checkpoint.SEEN, last.seq, last.hash, previous, marks, here)


def restored(seq: int, hash: str, last: str | None) -> str:
    """The line that says: what came behind this entry is lost, and the chain goes on from it."""
    number, previous = (parsed(last)["number"], digest_of(last)) if last else (0, GENESIS)
    return _line(number + 1, Checkpoint.RESTORED, seq, hash, previous, b"", [])


def _line(
    number: int,
    kind: str,
    seq: int,
    hash: str,
    previous: str,
    marks: bytes,
    ended: list[list[str]],
) -> str:
    detail = {"marks": b64encode(marks).decode(), "ended": ended}
    line: dict[str, Any] = {
        "tenant": str(bound_tenant()),
        "number": number,
        "kind": kind,
        "seq": seq,
        "hash": hash,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "previous": previous,
        "detail": digest(_plain(detail)),
        "key": signing.signer(),
    }
    line["signature"] = signing.sign(statement(line))
    return _plain(line | detail)


def start_after(last: str | None) -> tuple[int, int, str, str] | Fault:
    """Number of the last line, number and hash of its entry, and what the next line names it by; or
    why there can be no next line.
    """
    if last is None:
        return 0, 0, GENESIS, GENESIS
    line = parsed(last)
    if doubt := _forged(bound_tenant(), line):
        return Fault(1, f"the last checkpoint {doubt}")
    return line["number"], line["seq"], line["hash"], digest_of(last)


class Story(NamedTuple):
    """What a tenant's lines tell, as far as they can be believed."""

    lines: list[dict[str, Any]]
    hashes: list[str]  # how the hash of each entry begins; whole at a checkpoint
    fault: Fault | None

    @property
    def previous(self) -> str:
        """What the next line must name."""
        return digest(statement(self.lines[-1])) if self.lines else GENESIS


def read(tenant_id: UUID, texts: Sequence[str]) -> Story:
    """Believe line after line until one does not follow from the one before."""
    story = Story([], [], None)
    for text in texts:
        try:
            line = parsed(text)
            doubt = _doubt(tenant_id, story, line)
            if not doubt:
                _believe(story, line)
        except (ValueError, KeyError, TypeError):
            doubt = "is not as we write them"
        if doubt:
            number = len(story.lines) + 1
            fault = Fault(len(story.hashes) + 1, f"checkpoint {number} {doubt}")
            return story._replace(fault=fault)
    return story


def _forged(tenant_id: UUID, line: dict[str, Any]) -> str:
    if line["tenant"] != str(tenant_id):
        return "is another organization's"
    if line["key"] not in signing.public_keys():
        return f"is signed by a key that nobody published ({line['key']})"
    if not signing.is_signed(statement(line), line["key"], line["signature"]):
        return "has a signature that is not its key's"
    if line["detail"] != digest(_plain({"marks": line["marks"], "ended": line["ended"]})):
        return "has other details than were signed"
    return ""


def _doubt(tenant_id: UUID, story: Story, line: dict[str, Any]) -> str:
    if forged := _forged(tenant_id, line):
        return forged
    count = len(b64decode(line["marks"], validate=True)) // MARK
    if line["number"] != len(story.lines) + 1 or line["previous"] != story.previous:
        return "does not follow the one before it"
    if line["kind"] == Checkpoint.SEEN and line["seq"] != len(story.hashes) + count:
        return "leaves out entries"
    if line["kind"] == Checkpoint.RESTORED and not _was_here(story, line):
        return "goes back to an entry that never was"
    return ""


def _was_here(story: Story, line: dict[str, Any]) -> bool:
    seq: int = line["seq"]
    if seq == 0:
        return bool(line["hash"] == GENESIS)
    return 0 < seq <= len(story.hashes) and line["hash"].startswith(story.hashes[seq - 1])


def _believe(story: Story, line: dict[str, Any]) -> None:
    story.lines.append(line)
    if line["kind"] == Checkpoint.RESTORED:
        del story.hashes[line["seq"] :]
    story.hashes.extend(_marks(b64decode(line["marks"])))
    if story.hashes:
        story.hashes[-1] = line["hash"]


def _marks(data: bytes) -> Iterator[str]:
    text = data.hex()
    return (text[place : place + 2 * MARK] for place in range(0, len(text), 2 * MARK))


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
