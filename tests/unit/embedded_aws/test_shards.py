"""Parents before children."""

from __future__ import annotations

from embedded_aws.event_sources.shards import Shard, ready

SPLIT = [Shard("0"), Shard("1", ("0",)), Shard("2", ("0",)), Shard("3", ("1", "2"))]


def names(ended: str = "", started: str = "", shards: list[Shard] = SPLIT) -> list[str]:
    found = ready(shards, frozenset(ended.split()), frozenset(started.split()))
    return [shard.shard_id for shard in found]


def test_children_wait_for_their_parent() -> None:
    assert names() == ["0"]
    assert names(started="0") == []
    assert names(ended="0", started="0") == ["1", "2"]


def test_a_merged_shard_waits_for_both_parents() -> None:
    assert names(ended="0 1", started="0 1 2") == []
    assert names(ended="0 1 2", started="0 1 2") == ["3"]


def test_a_parent_that_is_listed_no_more_holds_nothing_up() -> None:
    assert names(shards=[Shard("1", ("0",))]) == ["1"]


def test_ended_shards_are_not_read_again() -> None:
    assert names(ended="0 1 2 3") == []
