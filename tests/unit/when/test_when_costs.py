"""What the conditions of a symbol cost together: bounded when they are saved and when they run."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Conflict
from chalicelib.domain.rules import Rule, parse_rule
from chalicelib.domain.when.costs import excess_of, within_cost
from chalicelib.services.rules.preview import Preview
from chalicelib.services.rules.rule_book import RuleBook
from tests.fakes import fake_stores
from tests.unit.domain.watched import Watched
from tests.unit.when.a_session import SHOWN, at
from tests.work import counted_calls

LONG = "rsi(400, 1m)[400]"
"""Needs 10,801 bars."""


def any_of(values: list[str], rule_id: str = "r1", **fields: Any) -> Rule:
    when = " or ".join(f"{value} > 1" for value in values)
    return parse_rule({"symbol": "AAPL", "when": when, **fields}, rule_id)


def bands(number: int) -> Rule:
    """A rule of 24 values of its own, which share one series."""
    values = [f"bb_percent({400 - n}, 2, 1m)[{399 - number}]" for n in range(23)]
    return any_of([LONG, *values], f"r{number:02d}")


def test_many_values_over_many_bars_of_one_series_are_refused_together() -> None:
    """Their stored bars are shared, their CPU is not."""
    book, rules = RuleBook(fake_stores().rules, ()), [bands(number) for number in range(45)]
    for rule in rules[:21]:
        book.replace(rule.rule_id, {"symbol": "AAPL", "when": rule.when})
    with pytest.raises(Conflict, match=r"different values together, more than 400,000"):
        book.replace("r21", {"symbol": "AAPL", "when": rules[21].when})
    assert excess_of(rules)
    assert within_cost(rules[::-1]) == rules[:21]


def test_the_largest_rule_alone_is_within_the_bound() -> None:
    assert not excess_of([any_of([f"rsi(400, 1m)[{400 - n}]" for n in range(24)])])


def test_values_that_are_not_cheap_to_read_again_have_room_to_be_kept() -> None:
    """Else each price of each further symbol would read all of their bars."""
    stage = 1
    book = RuleBook(fake_stores().rules, (), symbols=lambda: stage)
    long = " or ".join(f"highest({window}, 30m)[300] > 1" for window in range(300, 324))
    book.replace("all", {"symbol": "*", "when": long})
    stage = 500
    with pytest.raises(Conflict, match=r"once for each of 500 symbols, more than 1,200,000"):
        book.replace("all", {"symbol": "*", "when": long})
    book.replace("short", {"symbol": "AAPL", "interval": "1d", "when": "close > sma(400)"})


def test_many_values_of_few_bars_are_not_cheap_to_make_again() -> None:
    """They share 800 stored bars, and take 0.7 s of CPU at each price of a symbol that is not
    kept."""
    book = RuleBook(fake_stores().rules, (), symbols=lambda: 500)
    values = [f"bb_percent({400 - n}, 2, 1m)[{{ago}}] < -9" for n in range(24)]
    for_all = [{"symbol": "*", "when": " or ".join(values).format(ago=400 - n)} for n in range(2)]
    book.replace("one", for_all[0])
    with pytest.raises(Conflict, match=r"once for each of 500 symbols, more than 1,200,000"):
        book.replace("two", for_all[1])


def test_values_that_are_cheap_to_read_again_are_taken_in_any_stage() -> None:
    book = RuleBook(fake_stores().rules, (), symbols=lambda: 5_000)
    when = "close > sma(200, 1d) and rsi(14, 1h) < 30 and from_high(252, 1d) < -20"
    kept, _ = book.replace("all", {"symbol": "*", "when": when})
    assert (kept.symbol, kept.when, kept.enabled) == ("*", when, True)


def test_a_value_takes_the_bars_that_it_needs_and_not_those_of_the_longest() -> None:
    longest = "rsi(16, 1m)"  # needs 417 bars
    short = [f"sma({window}, 1m)" for window in range(2, 22)]
    counts = []
    watched, start = Watched(), at(450, 100).timestamp
    watched.feed([at(minute, 100 + minute % 3) for minute in range(451)], 451)
    for values in ([longest], [longest, *short]):
        with counted_calls() as calls:
            found = Preview(watched.stores, SHOWN)(any_of(values), "AAPL", start, None)
        counts.append(calls["update"])
        assert (found.judged, found.unknown) == (1, 0)
    # Each average has two functions of this name.
    assert counts[0] > 417
    assert counts[1] - counts[0] < 2 * sum(window + 3 for window in range(2, 22))
