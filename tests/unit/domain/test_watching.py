from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from chalicelib.domain.rules import Rule
from chalicelib.domain.watching import Observation, RuleState, as_fired, judge
from tests.factories import at, decimal, make_rule
from tests.oracles.crosses import crosses


def fired(
    rule: Rule,
    prices: Sequence[object],
    *,
    step: float = 1,
    previous_close: object = None,
    sessions: Sequence[str] = (),
    scopes: Sequence[str] = (),
) -> list[int]:
    """The places in `prices` at which the rule fires."""
    exact = [decimal(price) for price in prices]
    rule_state: RuleState | None = None
    found = []
    for place, price in enumerate(exact):
        observation = Observation(
            timestamp=at(place * step),
            price=price,
            previous_price=exact[place - 1] if place else None,
            previous_close=None if previous_close is None else decimal(previous_close),
            session=sessions[place] if sessions else "2026-11-20",
            scope=scopes[place] if scopes else at(place * step),
            closes=exact[: place + 1],
        )
        rule_state, fires = judge(rule, rule_state, observation)
        if fires:
            found.append(place)
    return found


TRADINGVIEW = [1, 2, 2, 3, 2, 2, 1]


def test_crossing_up_is_at_or_below_before_and_above_now() -> None:
    assert fired(make_rule("crossing_up", value=2), TRADINGVIEW) == [3]


def test_crossing_down_is_at_or_above_before_and_below_now() -> None:
    assert fired(make_rule("crossing_down", value=2), TRADINGVIEW) == [6]


def test_crossing_is_either() -> None:
    assert fired(make_rule("crossing", value=2), TRADINGVIEW) == [3, 6]


def test_the_first_price_of_all_crosses_nothing() -> None:
    assert fired(make_rule("crossing", value=2), [3]) == []


@pytest.mark.parametrize(
    ("condition", "prices", "places"),
    [
        ("greater_than", [99, 101, 102, 100, 101], [1, 4]),
        ("greater_than", [101, 101], [0]),
        ("less_than", [101, 99, 98, 100, 99], [1, 4]),
        ("every_record", [1, 1, 1], [0, 1, 2]),
    ],
)
def test_conditions_fire_on_entering_not_while_they_last(
    condition: str, prices: list[int], places: list[int]
) -> None:
    value = None if condition == "every_record" else 100
    assert fired(make_rule(condition, value=value), prices) == places


def test_change_percent_is_strictly_above_and_either_way() -> None:
    rule = make_rule("change_percent", value=5)
    assert fired(rule, [105, 105.01, 104, 94.99, 95], previous_close=100) == [1, 3]


def test_change_percent_fires_again_in_another_session() -> None:
    rule = make_rule("change_percent", value=5)
    sessions = ["2026-11-19", "2026-11-19", "2026-11-20"]
    assert fired(rule, [106, 107, 108], previous_close=100, sessions=sessions) == [0, 2]


def test_moving_percent_needs_a_whole_window() -> None:
    rule = make_rule("moving_percent", value=10, window=2)
    assert fired(rule, [100, 120, 111, 110, 99]) == [2, 4]


@pytest.mark.parametrize(
    ("trigger", "places"),
    [
        ("every_time", [1, 3, 5]),
        ("once", [1]),
        ("once_per_bar", [1, 5]),
        ("once_per_session", [1, 5]),
    ],
)
def test_a_trigger_limits_the_alerts(trigger: str, places: list[int]) -> None:
    prices = [99, 101, 99, 101, 99, 101]
    bars = ["a", "a", "a", "a", "b", "b"]
    days = ["2026-11-19"] * 4 + ["2026-11-20"] * 2
    rule = make_rule("crossing_up", trigger=trigger)
    assert fired(rule, prices, scopes=bars, sessions=days) == places


def test_a_cooldown_suppresses_alerts_for_seconds_of_market_time() -> None:
    prices = [99, 101] * 4
    rule = make_rule("crossing_up", cooldown_seconds=30)
    assert fired(rule, prices, step=10) == [1, 5]


def test_a_changed_rule_restarts() -> None:
    before = make_rule("crossing_up", trigger="once")
    observation = Observation(
        at(), Decimal(101), Decimal(99), None, "2026-11-20", at(), [Decimal(101)]
    )
    rule_state, fires = judge(before, None, observation)
    assert fires
    assert judge(before, rule_state, observation)[1] is False
    changed = make_rule("crossing_up", trigger="once", value=100.5)
    assert judge(changed, rule_state, observation)[1] is True


SERIES = [5, 5, 5, 5, 6, 7, 5, 3, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 1, 9, 9, 1, 1, 9]


@pytest.mark.parametrize("condition", ["golden_cross", "death_cross"])
def test_crosses_of_averages_are_the_oracles(condition: str) -> None:
    rule = make_rule(condition, fast=2, slow=4)
    expected = [cross.position for cross in crosses(SERIES, 2, 4) if cross.kind == condition]
    assert len(expected) >= 2
    assert fired(rule, SERIES) == expected


def test_golden_and_death_alternate_through_ties() -> None:
    flat = [1, 1, 1, 1, 3, 3, 3, 3, 3, 3, 5, 5, 5, 5, 1, 1]
    assert fired(make_rule("golden_cross"), flat) == []
    assert fired(make_rule("death_cross"), flat) == [14]


def test_no_cross_before_slow_prices_are_there() -> None:
    assert fired(make_rule("golden_cross"), [3, 2, 9]) == []


def test_an_average_cross_is_every_golden_and_every_death_cross() -> None:
    prices = [5, 5, 5, 5, 6, 7, 5, 3, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 1, 9, 9, 1, 1, 9]
    rule = make_rule("average_cross", value=None, fast=2, slow=4)
    assert fired(rule, prices) == [cross.position for cross in crosses(prices, 2, 4)]


@pytest.mark.parametrize(("side", "condition"), [(1, "golden_cross"), (-1, "death_cross")])
def test_an_alert_names_the_cross_that_it_was(side: int, condition: str) -> None:
    rule = make_rule("average_cross", value=None, fast=2, slow=4)
    assert as_fired(rule, RuleState(rule.fingerprint, side)).condition == condition
    golden = make_rule("golden_cross", value=None, fast=2, slow=4)
    assert as_fired(golden, RuleState(golden.fingerprint, side)) == golden


def test_a_cooldown_of_average_crosses_counts_both_ways_together() -> None:
    rule = make_rule("average_cross", value=None, fast=1, slow=2, cooldown_seconds=3600)
    prices = [1, 2, 1, 2, 1, 2, 1, 2]
    assert fired(rule, prices, step=1500) == [2, 5]
