"""Rebuilding bars and state from prices: afterwards the stores are as if nothing had failed."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.domain.times import later
from tests.factories import at, payload, wire
from tests.faults.run import contents_of
from tests.faults.stores import Contents, without_ttl
from tests.faults.system import SYMBOL, System, walk

TICKS = walk(400, 37.3)
RECORDS = [payload(*TICKS[n : n + 2]) for n in range(0, 400, 2)]


def delivered() -> System:
    system = System()
    system.deliver(RECORDS, 10)
    return system


def same(system: System, expected: Contents) -> bool:
    return without_ttl(contents_of(system.aws)) == without_ttl(expected)


def test_rebuilding_what_is_right_changes_nothing_and_says_nothing() -> None:
    system = delivered()
    before, sent = contents_of(system.aws), system.sent()
    rebuilt = system.services.rebuild(SYMBOL)
    assert (rebuilt.ticks, rebuilt.bars) == (400, 0)
    assert contents_of(system.aws) == before
    assert system.sent() == sent


def test_bars_and_state_that_are_gone_come_back_silently() -> None:
    system = delivered()
    before, sent = contents_of(system.aws), system.sent()
    for name in ("bars", "state"):
        table = system.aws.tables[name]
        for key in list(table.items):
            table.remove(key)
    rebuilt = system.services.rebuild(SYMBOL)
    assert rebuilt.bars == len(before["bars"])
    assert same(system, before)
    assert system.sent() == sent


def test_bars_that_are_wrong_are_put_right_with_their_revision_raised() -> None:
    system = delivered()
    before = contents_of(system.aws)
    table = system.aws.tables["bars"]
    wrong = [key for key in table.items if key[0].endswith("#1m")][3]
    table.put({**table.items[wrong], "high": {"N": "999"}})
    assert system.services.rebuild(SYMBOL).bars == 1
    assert same(system, before)
    assert table.items[wrong]["revision"] == {"N": "1"}


def test_bars_before_the_start_are_left_alone() -> None:
    system = delivered()
    table = system.aws.tables["bars"]
    minutes = [key for key in table.items if key[0].endswith("#1m")]
    for key in (minutes[3], minutes[60]):
        table.put({**table.items[key], "high": {"N": "999"}})
    system.services.rebuild(SYMBOL, minutes[50][1])
    assert [table.items[key]["high"]["N"] == "999" for key in (minutes[3], minutes[60])] == [
        True,
        False,
    ]


def test_a_bar_whose_first_ticks_have_expired_is_not_made_worse() -> None:
    system = delivered()
    before = contents_of(system.aws)["bars"]
    prices = system.aws.tables["prices"]
    for key in sorted(prices.items)[:50]:
        prices.remove(key)
    system.services.rebuild(SYMBOL)
    assert contents_of(system.aws)["bars"] == before


def test_alerts_that_are_still_to_be_sent_stay_so() -> None:
    system = delivered()
    state = system.services.stores.state.get(SYMBOL)
    assert state is not None
    assert state.pending
    system.services.rebuild(SYMBOL)
    after = system.services.stores.state.get(SYMBOL)
    assert after is not None
    assert after.pending == state.pending


def test_it_does_not_run_ahead_of_detect() -> None:
    system = delivered()
    system.ingest(payload(wire(200, 400 * 37.3, symbol=SYMBOL)))
    system.services.rebuild(SYMBOL)
    state = system.services.stores.state.get(SYMBOL)
    assert state is not None
    assert state.last_timestamp == TICKS[-1]["timestamp"]


def test_concurrent_detection_and_repair_both_end_correct() -> None:
    system, clean = delivered(), delivered()
    more = [payload(wire(101, (400 + n) * 37.3, symbol=SYMBOL)) for n in range(2)]
    clean.deliver(more, 1)
    raced: list[bool] = []

    def around(operation: str, request: dict[str, Any], perform: Any) -> Any:
        if operation == "PutItem" and request["TableName"] == "state" and not raced:
            raced.append(True)
            system.deliver(more, 1)
        return perform()

    system.aws.around = around
    system.services.rebuild(SYMBOL)
    assert raced
    assert same(system, contents_of(clean.aws))


def test_redriven_batches_have_the_effect_of_batches_in_time() -> None:
    system, clean = System(), delivered()
    system.deliver(RECORDS[:100], 10)
    system.deliver(RECORDS[120:], 10)
    system.ingest(*RECORDS[100:120])
    system.detect()
    system.services.rebuild(SYMBOL, later(at(), hours=1))
    mine, theirs = without_ttl(contents_of(system.aws)), without_ttl(contents_of(clean.aws))
    for store in ("bars", "raw", "quarantine"):
        assert mine[store] == theirs[store]
    assert unnumbered(mine) == unnumbered(theirs)
    assert windows(mine) == windows(theirs)


def unnumbered(contents: Contents) -> Any:
    """The prices without their records' numbers: here the late ones are new records."""
    return [{k: v for k, v in item.items() if k != "sequence"} for item in contents["prices"]]


def windows(contents: Contents) -> Any:
    """Return the state except the time of its rules' last alerts."""
    (state,) = contents["state"]
    rule_states = {name: text.split(",")[:4] for name, text in state["data"].pop("k").items()}
    return json.dumps([state, rule_states], sort_keys=True)


def test_a_symbol_that_has_no_prices_is_nothing() -> None:
    assert System().services.rebuild("NOBODY").ticks == 0
