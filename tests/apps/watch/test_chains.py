"""An audit chain that was changed rings within hours, a slice at a time."""

import pytest
from django.db.models import F, QuerySet

from saas.audit.chain import fault_in_slice
from saas.audit.models import AuditEntry, AuditHead
from saas.tenancy.binding import bind
from saas.watch import chains, tasks
from tests.cast import make_tenant
from tests.saas.audit.trails import lengthen, unguarded

pytestmark = [pytest.mark.practice("LOG-04"), pytest.mark.practice("LOG-11")]

KIND = "audit.chain-broken"


@pytest.fixture
def acme(committed):
    """Acme, whose chain has fifteen entries at least."""
    tenant = make_tenant("Acme")
    lengthen(tenant, 15)
    return tenant


def faults(tenant, size=4):
    """What each slice says, once round."""
    with bind(tenant.id):
        head = AuditHead.objects.get().seq
        return [fault_in_slice(number, size) for number in range(-(-head // size))]


def rows(tenant, **which):
    """Entries past every manager."""
    return QuerySet(AuditEntry).filter(tenant_id=tenant.id, **which)


def alerts(tenant):
    """What the owner is told."""
    return tenant.owner.get(f"alerts?kind={KIND}").json()["results"]


def test_a_whole_chain_is_silent_whichever_slice_is_looked_at(acme):
    assert set(faults(acme)) == {None}
    with bind(acme.id):
        chains.verify_slice()
    assert alerts(acme) == []


def test_an_edited_entry_is_named_by_its_slice_alone(acme):
    with unguarded():
        rows(acme, seq=6).update(event="nothing.happened")
        named = [fault and fault.seq for fault in faults(acme)]
    assert named[:3] == [None, 6, None]


def test_a_cut_tail_is_named_by_every_slice(acme):
    with unguarded():
        last = rows(acme).latest("seq").seq
        rows(acme, seq=last).delete()
        assert None not in faults(acme)


def test_a_forged_end_is_named_by_every_slice(acme):
    with unguarded():
        last = rows(acme).latest("seq").seq
        rows(acme, seq=last).update(hash="0" * 64)
        assert {fault.seq for fault in faults(acme)} == {last}


def test_a_hole_is_named_and_a_head_that_was_set_back(acme):
    with unguarded():
        rows(acme, seq=6).delete()
        assert [fault and fault.seq for fault in faults(acme)[:2]] == [None, 6]
        QuerySet(AuditHead).filter(tenant_id=acme.id).update(seq=F("seq") - 1)
        assert None not in faults(acme)


def test_the_job_alerts_and_links_to_what_is_to_be_done(acme):
    with unguarded():
        rows(acme, seq=6).update(event="nothing.happened")
        with bind(acme.id):
            for _ in range(2):
                tasks.verify_chains.func()
        [alert] = alerts(acme)
    assert alert["severity"] == "high"
    assert "entry 6" in alert["message"]
    assert alert["playbook"].endswith("/docs/playbooks/audit-chain-broken")
