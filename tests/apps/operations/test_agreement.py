"""Two operators are two keys: a name that is typed proves nobody."""

import stat
from uuid import UUID

import pytest
from django.core.management import CommandError

from apps.operations import agreement, keys
from apps.operations.checks import no_operator_is_believed, no_two_operators_share_a_key
from tests.operators import hired, run, signed, wanted

pytestmark = [pytest.mark.core, pytest.mark.practice("DATA-05")]

ACT = "rotate_keys kek of all"
NAMES = {"by": "ann", "approved_by": "bob"}
WHO = ("--by=ann", "--approved-by=bob")


@pytest.fixture
def files(settings, tmp_path):
    """The keys of ann, bob and eve; eve is no operator any more."""
    files = hired(settings, tmp_path, "ann", "bob", "eve")
    del settings.SAAS_OPERATOR_KEYS["eve"]
    return files


def signs(file, act=ACT, by="ann", approved_by="bob"):
    """The approval of one."""
    return signed(file, f"{act} by {by} with {approved_by} at https://api.strongroom.example")


def agreed(*approvals, act=ACT, **names):
    """The names, when everybody has signed."""
    return keys.operators({**NAMES, **names, "approval": approvals}, act)


def test_each_of_the_two_signs_and_nobody_else_does_it_for_them(files):
    ann, bob, eve = (signs(file) for file in files.values())
    assert agreed(ann, bob) == agreed(bob, eve, ann) == NAMES
    for wrong in ((), (ann,), (bob,), (ann, ann), (ann, eve), (eve, eve)):
        with pytest.raises(CommandError, match="Not signed by"):
            agreed(*wrong)
    both = [signs(files[name], approved_by="eve") for name in ("ann", "eve")]
    with pytest.raises(CommandError, match="Not signed by eve"):
        agreed(*both, approved_by="eve")
    with pytest.raises(CommandError, match="cannot be the one"):
        agreed(ann, ann, approved_by="ann")


def test_what_was_signed_is_good_for_that_act_in_that_house_for_a_quarter_of_an_hour(
    files, settings, monkeypatch
):
    both = [signs(files[name]) for name in ("ann", "bob")]
    for other in ({"act": "rotate_keys remove of all"}, {"by": "bob", "approved_by": "ann"}):
        with pytest.raises(CommandError, match="Not signed"):
            agreed(*both, **other)
    until = int(both[0].partition(".")[0])
    later = [f"{until + 60}.{one.partition('.')[2]}" for one in both]
    for wrong in (later, ["", "."], ["x.y", "1.00"], [f"{until}."] * 2):
        with pytest.raises(CommandError, match="Not signed"):
            agreed(*wrong)
    monkeypatch.setattr(agreement.time, "time", lambda: until)
    with pytest.raises(CommandError, match="Not signed"):
        agreed(*both)
    monkeypatch.setattr(agreement.time, "time", lambda: until - 901)  # from a clock that is ahead
    with pytest.raises(CommandError, match="Not signed"):
        agreed(*both)
    monkeypatch.setattr(agreement.time, "time", lambda: until - 900)
    assert agreed(*both) == NAMES
    settings.SAAS_ORIGIN = "https://staging.strongroom.example"
    with pytest.raises(CommandError, match="Not signed"):
        agreed(*both)


def test_where_nobody_is_named_nobody_agrees(files, settings):
    both = [signs(files[name]) for name in ("ann", "bob")]
    settings.SAAS_OPERATOR_KEYS = {}
    with pytest.raises(CommandError, match="ann and bob"):
        agreed(*both)


def test_production_believes_no_name_and_no_two_names_share_a_key(files, settings):
    assert no_operator_is_believed() == no_two_operators_share_a_key() == []
    ann = settings.SAAS_OPERATOR_KEYS["ann"]
    settings.SAAS_OPERATOR_KEYS = {"ann": ann, "bob": ann, "eve": "no key"}
    assert [fault.id for fault in no_two_operators_share_a_key()] == ["saas.E052"] * 2
    settings.SAAS_OPERATOR_KEYS = None
    assert [fault.id for fault in no_operator_is_believed()] == ["saas.E052"]
    assert no_two_operators_share_a_key() == []


def test_a_key_is_its_owners_alone_and_none_is_overwritten(files):
    assert stat.S_IMODE(files["ann"].stat().st_mode) == 0o600
    before = files["ann"].read_text()
    for wrong in ({"new": True}, {}):
        with pytest.raises(CommandError):
            run("approve", key=files["ann"], **wrong)
    files["eve"].write_text("no key")
    for path in (files["eve"], files["eve"].with_name("nobody")):
        with pytest.raises(CommandError):
            signs(path)
    assert files["ann"].read_text() == before


@pytest.mark.parametrize("command", ["rotate_keys --remove", "destroy_key --reason=over"])
def test_a_command_says_what_is_to_be_signed_and_goes_on_when_it_is(committed, files, command):
    nobody = UUID(int=0)
    command = [*command.split(), f"--organization={nobody}"]
    command += [f"--confirm={nobody}"] if command[0] == "destroy_key" else []
    text = wanted(*command, *WHO)
    assert text.startswith(command[0])
    assert str(nobody) in text
    both = [f"--approval={signed(files[name], text)}" for name in ("ann", "bob")]
    with pytest.raises(CommandError, match="Not signed by bob"):
        run(*command, *WHO, both[0])
    try:
        said = run(*command, *WHO, *both)
    except CommandError as fault:
        said = str(fault)
    assert "0 keys removed" in said or "no such organization" in said
