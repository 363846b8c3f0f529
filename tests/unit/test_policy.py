"""What a policy is, and that it survives the way to a worker."""

import json

import pytest
from sqlstrictd.policy import KINDS, READ_ONLY, Policy


def test_only_queries_by_default() -> None:
    assert Policy() == READ_ONLY
    assert READ_ONLY.kinds == {"select"}
    assert READ_ONLY.only_reads
    assert not READ_ONLY.allows_unfiltered
    assert not Policy(frozenset(KINDS)).only_reads


@pytest.mark.parametrize("kinds", [{"drop"}, {"select", "SELECT"}, set()])
def test_kinds_that_are_none(kinds: set[str]) -> None:
    with pytest.raises(ValueError, match="statement kind"):
        Policy(frozenset(kinds))


def test_policies_pass_through_json() -> None:
    for policy in (READ_ONLY, Policy(frozenset({"update", "delete"}), allows_unfiltered=True)):
        assert Policy.from_plain(json.loads(json.dumps(policy.to_plain()))) == policy


def test_keys_tell_policies_apart() -> None:
    policies = [
        READ_ONLY,
        Policy(frozenset({"select"}), allows_unfiltered=True),
        Policy(frozenset({"delete"})),
        Policy(frozenset({"select", "delete"})),
    ]
    assert len({policy.key for policy in policies}) == len(policies)
    assert Policy(frozenset(["delete", "select"])).key == policies[-1].key
