"""Whoever owns the tables can write a chain anew. The lines outside tell, and name the first entry."""

import json
import os
import random
import sys
import uuid
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.db.models import F, QuerySet

from apps.checkpoints import lines, services, signing
from apps.checkpoints.models import Checkpoint
from saas.audit import chain
from saas.audit.models import GENESIS, AuditEntry, AuditHead
from saas.tenancy.binding import bind
from tests.cast import make_tenant
from tests.saas.audit.trails import TABLES, entries, fault, lengthen, other, unguarded

pytestmark = [pytest.mark.core, pytest.mark.practice("R-10")]

AT = 6  # the first entry that is tampered with
ALL = (*TABLES, "checkpoints_checkpoint")


@pytest.fixture
def two(committed, folder):
    """Acme and Globex, all of whose entries were seen."""
    tenants = make_tenant("Acme"), make_tenant("Globex")
    for tenant in tenants:
        lengthen(tenant, 8)
        see(tenant)
        lengthen(tenant, 2)
        see(tenant)
    return tenants


def see(tenant):
    """What the worker does now and then; how many lines it was."""
    with bind(tenant.id):
        return services.write()


def at(tenant, seq):
    """One entry, past every manager."""
    return QuerySet(AuditEntry).filter(tenant_id=tenant.id, seq=seq)


def rows(tenant):
    """All of them."""
    return list(QuerySet(AuditEntry).filter(tenant_id=tenant.id).order_by("seq"))


def forge(tenant):
    """Number the entries and compute every hash anew, up to the head, as the code itself would."""
    hash, seq = GENESIS, 0
    for seq, entry in enumerate(rows(tenant), 1):
        hash = chain.link(hash, seq, chain.canonical(tenant.id, entry))
        QuerySet(AuditEntry).filter(pk=entry.pk).update(seq=-seq, hash=hash)
    for entry in QuerySet(AuditEntry).filter(tenant_id=tenant.id, seq__lt=0):
        QuerySet(AuditEntry).filter(pk=entry.pk).update(seq=-entry.seq)
    QuerySet(AuditHead).filter(tenant_id=tenant.id).update(seq=seq, hash=hash)


def edit(name):
    """Change one column of one entry."""

    def planted(acme, _):
        field = AuditEntry._meta.get_field(name)
        at(acme, AT).update(**{name: other(field, getattr(at(acme, AT).get(), name))})
        return AT

    return planted


def delete_first(acme, _):
    at(acme, 1).delete()
    return 1


def delete_one_between(acme, _):
    at(acme, AT).delete()
    return AT


def delete_last(acme, _):
    last = len(rows(acme))
    at(acme, last).delete()
    return last


def insert(acme, _, event="nothing.happened"):
    for seq in range(len(rows(acme)), AT - 1, -1):
        at(acme, seq).update(seq=F("seq") + 1)
    entry = at(acme, AT - 1).get()
    columns = {f.attname: getattr(entry, f.attname) for f in AuditEntry._meta.concrete_fields}
    del columns["tenant_id"]
    columns |= {"id": uuid.uuid4(), "seq": AT, "event": event or entry.event}
    with bind(acme.id):
        AuditEntry(**columns).save(force_insert=True)
    return AT


def duplicate(acme, globex):
    return insert(acme, globex, event=None)


def reorder(acme, _):
    at(acme, AT).update(seq=-1)
    at(acme, AT + 1).update(seq=AT)
    at(acme, -1).update(seq=AT + 1)
    return AT


def swap_organization(acme, globex):
    names = [f.attname for f in AuditEntry._meta.concrete_fields]
    names = [name for name in names if name not in ("id", "tenant_id", "seq")]
    contents = [at(tenant, AT).values(*names).get() for tenant in (acme, globex)]
    at(acme, AT).update(**contents[1])
    at(globex, AT).update(**contents[0])
    return AT


def truncate_and_regrow(acme, _):
    QuerySet(AuditEntry).filter(tenant_id=acme.id, seq__gte=AT)._raw_delete("default")
    forge(acme)
    lengthen(acme, 9)
    return AT


COLUMNS = [
    field.name
    for field in AuditEntry._meta.concrete_fields
    if field.name not in ("tenant", "seq", "hash")
]
KINDS = {
    **{f"edit {name}": edit(name) for name in COLUMNS},
    "delete the first": delete_first,
    "delete one between": delete_one_between,
    "delete the last": delete_last,
    "insert": insert,
    "reorder": reorder,
    "swap the organization": swap_organization,
    "duplicate": duplicate,
    "truncate and regrow": truncate_and_regrow,
}


def test_what_was_done_to_the_entries_is_named_even_if_every_hash_was_computed_anew(two):
    acme, globex = two
    tamper_with_entries(acme, globex)
    assert fault(acme) is fault(globex) is None


def tamper_with_entries(acme, globex):
    """In every kind, without and with every hash computed anew; each is named, then undone."""
    named, expected = {}, {}
    for kind, plant in KINDS.items():
        for forged in (False, True):
            with unguarded(ALL):
                expected[kind, forged] = plant(acme, globex)
                if forged:
                    forge(acme)
                    with without_witnesses():
                        assert fault(acme) is None, kind  # the chain alone would be believed
                named[kind, forged] = seq_of(fault(acme))
    assert named == expected


def tamper_with_lines(acme, folder):
    """A backup older by some entries, two lines changed about, and one signed by another key."""
    file = folder / f"{acme.id}.jsonl"
    whole = file.read_text().splitlines(keepends=True)
    first, second = sorted(random.sample(range(len(whole)), 2))
    began = [1, *(json.loads(line)["seq"] + 1 for line in whole)]
    with unguarded(ALL):
        QuerySet(AuditEntry).filter(tenant_id=acme.id, seq__gt=AT)._raw_delete("default")
        QuerySet(Checkpoint).filter(tenant_id=acme.id, seq__gt=AT)._raw_delete("default")
        forge(acme)
        assert seq_of(fault(acme)) == AT + 1
    line = json.loads(whole[first])
    key = Ed25519PrivateKey.generate()
    line["signature"] = b64encode(key.sign(lines.statement(line).encode())).decode()
    swapped = [*whole]
    swapped[first], swapped[second] = whole[second], whole[first]
    resigned = [*whole[:first], json.dumps(line) + "\n", *whole[first + 1 :]]
    for changed in (swapped, resigned):
        file.write_text("".join(changed))
        assert seq_of(fault(acme)) == began[first]
    file.write_text("".join(whole))


@pytest.mark.drill
def test_two_hundred_rounds_at_random_places_are_named_and_nothing_else(two, folder, monkeypatch):
    acme, globex = two
    last = min(len(entries(tenant)) for tenant in two) - 1
    for _ in range(int(os.environ.get("SAAS_ROUNDS", "200"))):
        place = random.randrange(3, last)  # noqa: S311  # any place will do
        monkeypatch.setattr(sys.modules[__name__], "AT", place)
        tamper_with_entries(acme, globex)
        tamper_with_lines(acme, folder)
        assert fault(acme) is fault(globex) is None


def seq_of(found):
    """The number of the entry that was named."""
    return found and found.seq


class without_witnesses:  # noqa: N801  # a block
    """What the chain says of itself."""

    def __enter__(self):
        self.former = chain.WITNESSES[:]
        chain.WITNESSES.clear()

    def __exit__(self, *_):
        chain.WITNESSES.extend(self.former)


def test_an_older_backup_that_was_put_back_is_named_with_what_is_lost(two, folder):
    acme, globex = two
    then = len(entries(acme))
    shown = QuerySet(Checkpoint).filter(tenant_id=acme.id)
    numbers = shown.count()
    lengthen(acme, 7)
    see(acme)
    with unguarded(ALL):
        QuerySet(AuditEntry).filter(tenant_id=acme.id, seq__gt=then)._raw_delete("default")
        shown.filter(number__gt=numbers)._raw_delete("default")
        forge(acme)
        assert fault(acme) == (then + 1, "missing: 7 more entries were seen", 7)
        lengthen(acme, 9)  # and life goes on
        assert seq_of(fault(acme)) == then + 1
    assert fault(acme) is fault(globex) is None


def test_a_checkpoint_that_was_changed_moved_cut_or_taken_from_elsewhere_is_named(two, folder):
    acme, globex = two
    file = folder / f"{acme.id}.jsonl"
    whole = file.read_text().splitlines(keepends=True)
    theirs = (folder / f"{globex.id}.jsonl").read_text().splitlines(keepends=True)
    second = json.loads(whole[1])
    first = json.loads(whole[0])["seq"] + 1
    for name, changed in {
        "moved": [whole[1], whole[0], *whole[2:]],
        "cut": [whole[0], *whole[2:]],
        "theirs": [whole[0], theirs[1], *whole[2:]],
        "twice": [whole[0], whole[0], *whole[1:]],
        "edited": [whole[0], json.dumps(second | {"hash": "0" * 64}) + "\n", *whole[2:]],
        "details": [whole[0], json.dumps(second | {"ended": [["apikey", "x"]]}) + "\n", *whole[2:]],
    }.items():
        file.write_text("".join(changed))
        found = fault(acme)
        assert found, name
        assert found.seq == (1 if name == "moved" else first), name
        assert "checkpoint" in found.reason, name
    file.write_text("".join(whole))
    assert fault(acme) is None
    with unguarded(ALL):
        QuerySet(Checkpoint).filter(tenant_id=acme.id, number=2).update(hash="0" * 64)
        assert fault(acme) == (first, "checkpoint 2 in the table is not the one in the file", 0)
    file.write_text("".join(whole[:-1]))  # what the table shows was once in the file
    found = fault(acme)
    assert found
    assert found.reason == "the table holds a checkpoint that is not in the file"
    file.unlink()
    assert fault(acme)


def test_a_restore_cannot_be_hidden_by_leaving_out_what_was_seen_before_it(two, folder):
    acme, _ = two
    file = folder / f"{acme.id}.jsonl"
    before = file.read_text().splitlines(keepends=True)
    first = json.loads(before[0])
    with bind(acme.id):
        services.accept_loss(first["seq"], first["hash"])
    assert see(acme)
    assert fault(acme) is None
    after = file.read_text().splitlines(keepends=True)
    file.write_text("".join([before[0], *after[len(before) + 1 :]]))  # each of them really signed
    found = fault(acme)
    assert found
    assert found == (first["seq"] + 1, "checkpoint 2 does not follow the one before it", 0)


def test_a_forger_with_a_key_of_their_own_is_named(two, folder, settings, monkeypatch):
    acme, _ = two
    settings.SAAS_CHECKPOINT_PUBLIC_KEYS = [signing.public_half(settings.SAAS_CHECKPOINT_KEY)]
    assert fault(acme) is None
    file = folder / f"{acme.id}.jsonl"
    with unguarded(ALL):
        at(acme, AT).update(event="nothing.happened")
        forge(acme)
        QuerySet(Checkpoint).filter(tenant_id=acme.id)._raw_delete("default")
        file.unlink()
        own = Ed25519PrivateKey.generate().private_bytes_raw()
        settings.SAAS_CHECKPOINT_KEY = b64encode(own).decode()  # even ours is replaced
        assert see(acme)
        found = fault(acme)
        assert found
        assert (found.seq, "nobody published" in found.reason) == (1, True)


def test_the_worker_signs_nothing_that_does_not_follow_from_what_it_signed(two, folder):
    acme, _ = two
    with unguarded(ALL):
        at(acme, len(entries(acme))).update(event="nothing.happened")
        forge(acme)
        lengthen(acme, 3)
        before = (folder / f"{acme.id}.jsonl").read_text()
        assert see(acme) == 0
        assert (folder / f"{acme.id}.jsonl").read_text() == before
        alerts = acme.owner.get("alerts").json()["results"]
        assert [alert["kind"] for alert in alerts] == ["audit.broken"]


def test_the_command_names_the_chain_and_the_entry(two, capsys):
    acme, globex = two
    call_command("verify_audit")
    assert capsys.readouterr().out.split() == [str(acme.id), "whole", str(globex.id), "whole"]
    with unguarded(ALL):
        at(globex, AT).update(event="nothing.happened")
        forge(globex)
        with pytest.raises(CommandError, match="1 broken"):
            call_command("verify_audit")
    assert f"{globex.id} broken at entry {AT}: another" in capsys.readouterr().out


def test_a_long_chain_that_nobody_touched_raises_no_alarm(committed, folder):
    acme = make_tenant("Acme")
    for number in range(1, 30):
        lengthen(acme, number)
        see(acme)
        assert fault(acme) is None
    with bind(acme.id):
        story = lines.read(acme.id, Path(folder / f"{acme.id}.jsonl").read_text().splitlines())
    assert story.fault is None
    assert len(story.hashes) == len(entries(acme))
