"""Golden and death crosses: hand-worked series, Apple's real one, TA-Lib, and the rules' judge."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.rules import Rule
from chalicelib.domain.watching import Observation, RuleState, judge
from tests.oracles.crosses import Cross, averages, crosses, moves_above, signs

DATA = Path(__file__).parents[1] / "data" / "aapl-daily-2015-2017.csv"
ROWS = list(csv.DictReader(DATA.read_text(encoding="utf-8").splitlines()))
DATES = [row["date"] for row in ROWS]
CLOSES = [Decimal(row["close"]) for row in ROWS]

GOLDEN, DEATH = "golden_cross", "death_cross"


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        # averages of 1 and 2 prices: the sign is that of the last change
        ([1, 2, 3], []),
        ([1, 2, 1], [Cross(2, DEATH)]),
        ([1, 2, 1, 2], [Cross(2, DEATH), Cross(3, GOLDEN)]),
        # a plateau is a tie and remembers the side before it
        ([1, 2, 2, 2, 3], []),
        ([1, 2, 2, 2, 1], [Cross(4, DEATH)]),
        ([3, 2, 2, 3], [Cross(3, GOLDEN)]),
        # touch and bounce
        ([3, 2, 2, 1, 1, 0], []),
        # flat from the start: no side, and the first side is no cross
        ([5, 5, 5, 5], []),
        ([5, 5, 6], []),
        ([5, 5, 6, 5], [Cross(3, DEATH)]),
        # too few prices
        ([1], []),
        ([], []),
    ],
)
def test_crosses_by_hand(prices: list[int], expected: list[Cross]) -> None:
    assert crosses(prices, 1, 2) == expected
    assert judged(prices, 1, 2) == expected


def test_a_tie_that_floats_take_for_a_cross() -> None:
    prices = [Decimal(price) for price in ("0.1", "0.1", "0.3", "0.2", "0.4")]
    assert signs(prices, 1, 3) == [None, None, 1, 0, 1]
    assert averages(prices, 3)[3] == prices[3]
    assert (0.1 + 0.3 + 0.2) / 3 > 0.2
    assert crosses(prices, 1, 3) == judged(prices, 1, 3) == []


def test_apple_crossed_29_times_in_506_days() -> None:
    found = crosses(CLOSES, 5, 20)
    golden = [DATES[cross.position] for cross in found if cross.kind == GOLDEN]
    death = [DATES[cross.position] for cross in found if cross.kind == DEATH]
    assert (len(golden), len(death)) == (15, 14)
    assert (golden[0], golden[-1]) == ("2015-03-23", "2016-12-08")
    assert len(moves_above(CLOSES, 5)) == 8


def test_the_rules_find_the_same_crosses_in_apple() -> None:
    assert judged(CLOSES, 5, 20) == crosses(CLOSES, 5, 20)


@pytest.mark.parametrize(("fast", "slow"), [(5, 20), (10, 30), (50, 200)])
def test_talib_sees_the_same_sides(fast: int, slow: int) -> None:
    array = np.array([float(price) for price in CLOSES])
    theirs = np.sign(talib.SMA(array, fast) - talib.SMA(array, slow))
    ours = signs(CLOSES, fast, slow)
    assert [None if np.isnan(sign) else int(sign) for sign in theirs] == ours


def judged(prices: Sequence[object], fast: int, slow: int) -> list[Cross]:
    """The crosses that the two rules find when they are given price after price."""
    exact = [Decimal(str(price)) for price in prices]
    found = []
    rule_states: dict[str, RuleState | None] = {GOLDEN: None, DEATH: None}
    rules = [
        Rule(rule_id=GOLDEN, symbol="*", condition="golden_cross", fast=fast, slow=slow),
        Rule(rule_id=DEATH, symbol="*", condition="death_cross", fast=fast, slow=slow),
    ]
    for index, price in enumerate(exact):
        for rule in rules:
            observation = Observation(
                timestamp=f"2026-11-20T00:00:{index % 60:02d}.000000Z",
                price=price,
                previous_price=exact[index - 1] if index else None,
                previous_close=None,
                session="2026-11-20",
                scope="",
                closes=exact[: index + 1][-slow:],
            )
            rule_states[rule.rule_id], fires = judge(rule, rule_states[rule.rule_id], observation)
            if fires:
                found.append(Cross(index, rule.condition))
    return found


WINDOWS = st.tuples(st.integers(1, 6), st.integers(1, 6)).map(lambda w: (w[0], w[0] + w[1]))
FEW_PRICES = st.sampled_from([Decimal("0.1"), Decimal("0.2"), Decimal("0.3"), Decimal("0.7")])
ANY_PRICES = st.decimals(min_value="0.00000001", max_value="999999", places=8)


@given(
    prices=st.lists(FEW_PRICES, max_size=60) | st.lists(ANY_PRICES, max_size=30), windows=WINDOWS
)
def test_the_rules_find_exactly_the_crosses_of_the_fractions(
    prices: list[Decimal], windows: tuple[int, int]
) -> None:
    expected = crosses(prices, *windows)
    assert judged(prices, *windows) == expected
    kinds = [cross.kind for cross in expected]
    assert all(a != b for a, b in pairwise(kinds))
