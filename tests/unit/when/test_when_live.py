"""Rules with `when` live: warm at once, through splits, late ticks, changes and rebuilds."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from chalicelib.adapters.state import to_item
from chalicelib.domain.errors import Conflict, RuleError
from chalicelib.domain.rules import parse_rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from chalicelib.domain.when.points import Due, bar_point
from chalicelib.services.rebuild.rebuild import Rebuild
from chalicelib.services.rules.rule_book import RuleBook
from tests.fakes import fake_stores
from tests.unit.domain.watched import Watched
from tests.unit.when.a_session import OPEN, SHOWN, at, days, preview, rule, shown, with_history


def test_a_rule_on_a_200_day_average_works_from_its_first_minute() -> None:
    watched = Watched(rule("close > sma(200, 1d)"))
    with_history(watched, days(250))
    watched.feed([at(0, 99), at(1, 100), at(2, 101)])
    (alert,) = watched.fired()
    assert shown([alert]) == [("14:32", Decimal(101))]
    assert alert.condition == "when"
    assert alert.values == {"close": Decimal(101), "sma(200, 1d)": Decimal(100)}
    assert alert.message == "AAPL close > sma(200, 1d), at 101"


def test_a_condition_is_unknown_and_counted_before_it_has_enough_bars() -> None:
    watched = Watched(rule("not close > sma(200, 1d)"), rule("close < 1000", rule_id="r2"))
    with_history(watched, days(199))
    watched.feed([at(0, 99), at(1, 99)])
    assert {alert.rule_id for alert in watched.fired()} == {"r2"}
    found = preview(watched, watched.rules[0])
    assert (found.judged, found.unknown, found.alerts) == (2, 2, ())


def test_history_that_arrives_later_counts_from_the_next_minute_on() -> None:
    watched = Watched(rule("close > sma(20, 1d)"))
    watched.feed([at(0, 101), at(1, 101)])
    with_history(watched, days(20))
    watched.feed([at(2, 101)])
    assert shown(watched.fired()) == [("14:32", Decimal(101))]


def test_a_week_is_over_with_its_last_calendar_day() -> None:
    of_week = Due("", "1wk", None)
    week = msgspec.structs.replace(days(1)[0], interval="1wk", start="2026-11-09T00:00:00.000000Z")
    over = [
        day
        for day in ("2026-11-12", "2026-11-13", "2026-11-16", "2026-11-17")
        if of_week(week, bar_point("1d", f"{day}T00:00:00.000000Z", day, "AAPL", None))
    ]
    assert over == ["2026-11-16", "2026-11-17"]


def test_a_session_a_gap_and_another_symbol() -> None:
    watched = Watched(rule('gap(1m) > 2 and day_change("SPY") < 0 and volume(1m) > 5', "1m"))
    with_history(watched, days(3))
    spy = [
        msgspec.structs.replace(tick, symbol="SPY")
        for tick in (at(-1440, 50), at(-1430, 50), at(0, 49), at(1, 49), at(2, 51), at(3, 51))
    ]
    own = [at(-1440, 100), at(0, 103, volume=100), at(1, 103, volume=110), at(2, 103, volume=111)]
    watched.feed_together(spy, own, 1)
    # The first minute has the volume of the open, and SPY's first minute is below its last day.
    assert shown(watched.fired()) == [("14:30", Decimal(103))]


SPLIT = [
    *(at(minute - 1440, 200) for minute in range(0, 390, 30)),
    at(-1440 + 389, 200),
    *(at(minute, 101, split="2:1", previous_close=100) for minute in range(3)),
]


@pytest.mark.parametrize("batch", [1, 100])
def test_bars_before_a_split_are_adjusted(batch: int) -> None:
    watched = Watched(
        rule("close < sma(3)", "1m"), rule("close > 1.005 * sma(3)", "1m", rule_id="up")
    )
    watched.feed(SPLIT, batch)
    assert [(alert.rule_id, alert.timestamp[11:16]) for alert in watched.fired()] == [
        ("up", "14:30")
    ]
    assert shown(preview(watched, watched.rules[1]).alerts) == [("14:30", Decimal(101))]


@pytest.mark.parametrize("containers", [0, 1])
@pytest.mark.parametrize(
    ("when", "interval", "fires"),
    [
        ("close < 150", "tick", False),
        ("close < 150", "1m", False),
        ("low(1m) < 150", "tick", False),
        ("not close > 150", "1m", False),
        ("close crosses below 150", "tick", False),
        ("close enters 90 to 110", "tick", False),
        ("close leaves 190 to 210", "tick", False),
        ("close < 150 for 2 bars", "tick", False),
        ("close < 150 for 2 bars", "1m", False),
        ("close > 150 within 3 bars", "tick", False),
        ("close > 150 within 3 bars", "1m", False),
        ("close > 100.5", "tick", True),
        ("close > 100.5", "1m", True),
        ("close crosses above 100.5", "tick", True),
        ("close crosses above 100.5", "1m", True),
    ],
)
def test_a_split_does_not_count_as_a_move(
    when: str, interval: str, fires: bool, containers: int
) -> None:
    watched = Watched(rule(when, interval))
    for tick in SPLIT:
        if not containers:  # each tick in a cold one
            watched.containers(1)
        watched.feed([tick])
    on_the_day = [
        alert.timestamp[11:16]
        for alert in watched.fired()
        if alert.timestamp >= SPLIT[-3].timestamp
    ]
    assert on_the_day == (["14:30"] if fires else [])
    assert shown(preview(watched, watched.rules[0]).alerts) == shown(watched.fired())


def walk(seed: int, count: int = 120) -> list[Tick]:
    source, price, found = random.Random(seed), 100, []
    for number in range(count):
        price += source.choice([-2, -1, 0, 1, 2])
        found.append(at(number / 2, price, volume=number * 10))
    return found


WHENS = [
    rule("close crosses above sma(5)", "1m", rule_id="a"),
    rule("rsi(4) < 40 for 2 bars", "1m", rule_id="b"),
    rule("macd_histogram(2, 4, 2) crosses above 0 within 3 bars", "5m", rule_id="c"),
    rule("close crosses below lowest(3, 1m)", rule_id="d"),
    rule("close > vwap(5m) for 3 bars", rule_id="e"),
]


def test_changing_the_future_changes_nothing_before_it() -> None:
    one, other = walk(1), walk(1)[:80] + walk(2)[80:]
    end, fires = one[80].timestamp, 0
    for each in WHENS:
        found = []
        for ticks in (one, other):
            watched = Watched()
            watched.feed(ticks, len(ticks))
            found.append(shown(preview(watched, each, end).alerts))
        assert found[0] == found[1]
        fires += len(found[0])
    assert fires > 5


def test_a_preview_of_each_prefix_is_what_was_live_by_then() -> None:
    ticks, watched = walk(3), Watched(*WHENS)
    for tick in ticks:
        watched.feed([tick])
        if tick.timestamp.endswith(":30.000000Z"):
            continue
        for each in WHENS:
            live = [alert for alert in watched.fired() if alert.rule_id == each.rule_id]
            assert shown(preview(watched, each).alerts) == shown(live), each.when


@pytest.mark.parametrize("seed", range(4))
def test_warm_and_cold_containers_agree_through_late_and_corrected_ticks(seed: int) -> None:
    source, ticks = random.Random(seed), walk(seed, 50)
    moved = [source.randrange(1, 45) for _ in range(6)]
    for place in moved:
        ticks.insert(min(len(ticks), place + source.randint(1, 9)), ticks.pop(place))
    again = [msgspec.structs.replace(tick, price=tick.price + 3) for tick in ticks[20:24]]
    ticks[40:40] = again
    fired = []
    for containers in (0, 1, 2, 3):
        watched = Watched(*WHENS)
        for tick in ticks:
            if not containers:  # each batch in a cold one
                watched.containers(1)
            elif len(watched.taking_turns) != containers:
                watched.containers(containers)
            watched.feed([tick])
        fired.append([(alert.alert_id, alert.values) for alert in watched.fired()])
    assert fired[0] == fired[1] == fired[2] == fired[3]
    assert fired[0]


def test_a_rule_that_is_changed_while_its_values_are_warm_begins_again() -> None:
    watched = Watched(rule("close > 100", "1m", trigger="once"))
    watched.feed([at(0, 101), at(1, 101), at(2, 101)])
    watched.rules = [rule("close > 100.5", "1m", trigger="once")]
    watched.feed([at(3, 101), at(4, 99), at(5, 101), at(6, 101)])
    assert [alert.values["close"] for alert in watched.fired()] == [101, 101]
    watched.rules = [rule("close > 100.5", "1m", trigger="once", enabled=False)]
    watched.feed([at(7, 99), at(8, 102), at(9, 102)])
    assert len(watched.fired()) == 2


def test_on_ticks_a_rule_fires_at_most_once_a_minute() -> None:
    watched = Watched(rule("close > 100"))
    watched.feed([at(0, 101), at(0.2, 99), at(0.4, 101), at(0.6, 99), at(1, 101)])
    assert [alert.timestamp[11:19] for alert in watched.fired()] == ["14:30:00", "14:31:00"]


def test_triggers_cooldown_and_expiry_hold_as_for_other_conditions() -> None:
    expiry = to_text(OPEN + timedelta(minutes=7))
    watched = Watched(
        rule("close > 100", "1m", rule_id="session", trigger="once_per_session"),
        rule("close > 100", "1m", rule_id="cool", cooldown_seconds=240),
        rule("close > 100", "1m", rule_id="expiring", expires_at=expiry),
    )
    watched.feed([at(minute, 101 - 2 * (minute % 2)) for minute in range(12)])
    fired: dict[str, list[str]] = {}
    for alert in watched.fired():
        fired.setdefault(alert.rule_id, []).append(alert.timestamp[14:16])
    assert fired == {
        "session": ["30"],
        "cool": ["30", "34", "38"],
        "expiring": ["30", "32", "34"],
    }


def test_ten_rules_stay_below_four_kilobytes_of_state() -> None:
    text = "rsi(14) < 30 and close > sma(200, 1d) and volume > 2 * mean(volume, 20) or "
    text += "close crosses above ema(20, 5m) for 5 bars within 10 bars"
    on_ticks = "close crosses above sma(5, 1m) for 5 bars or close enters 1 to 2 within 99 bars"
    rules = [rule(text, "1m", rule_id=f"{n:032x}") for n in range(5)]
    rules += [rule(on_ticks, rule_id=f"{n:032x}") for n in range(5, 10)]
    watched = Watched(*rules)
    watched.feed(walk(1), 7)
    state = watched.stores.state.get("AAPL")
    assert state is not None
    assert set(state.rule_states) == {each.rule_id for each in rules}
    item = to_item(msgspec.structs.replace(state, pending=()))
    assert sum(len(str(value)) for value in item.values()) < 4096


def test_a_run_of_many_minutes_keeps_its_pending_alerts_bounded() -> None:
    rules = [rule("close > 100", "1m", rule_id=f"r{n}") for n in range(40)]
    watched = Watched(*rules)
    watched.feed([at(minute, 99 + 2 * (minute % 2)) for minute in range(60)], 60)
    assert len(watched.fired()) == 40 * 29


def test_a_rebuild_keeps_the_memory_of_rules() -> None:
    watched = Watched(*WHENS)
    ticks = walk(5)
    watched.feed(ticks[:100], 10)
    before = watched.stores.state.get("AAPL")
    rebuild = Rebuild(
        watched.stores, lambda _: watched.rules, SHOWN, 30, lambda: OPEN + timedelta(hours=3)
    )
    assert rebuild("AAPL").bars == 0
    after = watched.stores.state.get("AAPL")
    assert before is not None
    assert after is not None
    assert after.rule_states == before.rule_states
    watched.feed(ticks[100:], 1)
    undisturbed = Watched(*WHENS)
    undisturbed.feed(ticks, 1)
    assert shown(watched.fired()) == shown(undisturbed.fired())


def test_a_symbol_that_never_trades_and_one_without_the_other() -> None:
    watched = Watched(rule("close > close(1d, NONE)", "1m"))
    watched.feed([at(0, 101), at(1, 101), at(2, 101)])
    found = preview(watched, watched.rules[0])
    assert (found.judged, found.unknown, watched.fired()) == (2, 2, [])
    nothing = preview(watched, msgspec.structs.replace(watched.rules[0], symbol="NEVER"))
    assert (nothing.judged, nothing.alerts) == (0, ())


def test_an_earlier_versions_state_and_rules_are_the_same() -> None:
    old = parse_rule({"symbol": "AAPL", "condition": "greater_than", "value": 100}, "r1")
    assert (old.fingerprint, old.when) == ("2802d65f", None)


def test_conditions_that_need_too_much_together_are_refused() -> None:
    book = RuleBook(fake_stores().rules, ())
    given = {"symbol": "AAPL", "interval": "1m", "when": "close > sma(400, 30m)"}
    for interval in ("1m", "5m", "15m", "30m"):
        book.replace(interval, {**given, "interval": interval})
    with pytest.raises(Conflict, match="together, more than 60,000"):
        book.replace("one-more", {**given, "interval": "1h"})
    with pytest.raises(Conflict, match="when: the conditions of 'AAPL'"):
        book.replace("all", {**given, "symbol": "*", "interval": "1h"})
    book.replace("off", {**given, "interval": "1h", "enabled": False})
    book.replace("other", {**given, "symbol": "MSFT"})
    with pytest.raises(RuleError, match="at most 25,000"):
        book.replace("alone", {**given, "when": "rsi(400, 5m) > 50"})
