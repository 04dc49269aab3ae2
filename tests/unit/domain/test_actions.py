"""Adjusting bars for actions: properties that hold for any prices, splits and dividends."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.actions import Action, Scale, Step, scaled_price
from chalicelib.domain.bars import Bar
from chalicelib.domain.splits import Split, Told, adjusted_closes, unadjusted
from chalicelib.domain.ticks import DECIMALS, HIGHEST_PRICE, HIGHEST_VOLUME
from chalicelib.domain.when.adjusting import adjusted_bars
from tests.action_support import make_dividend, make_split

DATES = [f"2026-03-{day:02}" for day in range(2, 30)]
HALF = Fraction(1, 2 * 10**8)

prices = st.decimals("0.01", "99999", places=2)
ratios = st.tuples(st.integers(1, 30), st.integers(1, 30)).filter(lambda pair: pair[0] != pair[1])


@st.composite
def actions_of(draw: st.DrawFn) -> list[Action]:
    """At most a split and a dividend on each of some dates."""
    found: list[Action] = []
    for date in draw(st.lists(st.sampled_from(DATES[1:]), max_size=6, unique=True)):
        if draw(st.booleans()):
            new, old = draw(ratios)
            found.append(make_split(date, f"{new}:{old}"))
        if draw(st.booleans()):
            close = draw(st.decimals("1", "9999", places=2))
            found.append(make_dividend(date, close * draw(st.integers(1, 99)) / 100, close))
    return found


def day(date: str, price: Decimal, volume: Decimal | None = None) -> Bar:
    return Bar(
        symbol="AAPL",
        interval="1d",
        start=f"{date}T00:00:00.000000Z",
        open=price,
        high=price,
        low=price,
        close=price,
        volume=volume,
    )


def scale_of(actions: Sequence[Action]) -> Scale:
    return Scale(map(Step.of, actions))


@settings(max_examples=60, deadline=None)
@given(actions_of(), prices)
def test_a_price_that_moves_with_the_actions_alone_is_constant_when_adjusted(
    actions: list[Action], price: Decimal
) -> None:
    scale, value = scale_of(actions), Fraction(price)
    last = value
    for date in DATES:  # as it would be traded
        for action in actions:
            if action.ex_date == date:
                last *= action.factor
    for date in DATES:
        for action in actions:
            if action.ex_date == date:
                value *= action.factor
        stored = round(value * 10**8)
        if not 10**3 <= stored < 10**19:  # rounding would show
            continue
        bar = scale.adjust(day(date, Decimal(stored).scaleb(-8)), date)
        error = abs(Fraction(bar.close) - last)
        later = last / value
        assert error <= HALF + HALF * later or bar.close in (DECIMALS, HIGHEST_PRICE)


@settings(max_examples=60, deadline=None)
@given(
    actions_of().flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))), prices
)
def test_the_order_of_actions_does_not_matter(
    both: tuple[list[Action], list[Action]], price: Decimal
) -> None:
    one, other = map(scale_of, both)
    for date in DATES:
        bar = day(date, price, Decimal(1000))
        assert one.adjust(bar, date) == other.adjust(bar, date)


@settings(max_examples=60, deadline=None)
@given(actions_of(), prices)
def test_prices_stay_in_bounds_and_bars_from_the_last_action_on_as_they_are(
    actions: list[Action], price: Decimal
) -> None:
    scale = scale_of(actions)
    since = max((action.ex_date for action in actions), default="")
    for date in DATES:
        bar = day(date, price, HIGHEST_VOLUME)
        adjusted = scale.adjust(bar, date)
        assert DECIMALS <= adjusted.close <= HIGHEST_PRICE
        assert adjusted.volume is not None
        assert 0 < adjusted.volume <= HIGHEST_VOLUME
        if date >= since:
            assert adjusted is bar


@settings(max_examples=60, deadline=None)
@given(actions_of(), prices)
def test_previews_adjust_as_readers_do(actions: list[Action], price: Decimal) -> None:
    rows = [day(date, price, Decimal(7)) for date in DATES]
    told = sorted(map(Told.of, actions), key=lambda one: one.date)
    scale = scale_of(actions)
    assert adjusted_bars(rows, told) == [scale.adjust(row, row.start[:10]) for row in rows]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 27), ratios, st.booleans()), max_size=6),
    st.lists(prices, min_size=28, max_size=28),
)
def test_bars_are_adjusted_as_closes_are(
    given: list[tuple[int, tuple[int, int], bool]], closes: list[Decimal]
) -> None:
    """Up to rounding: closes are rounded after each split, and the judgement is the same."""
    splits: list[Split] = []
    for at, (new, old), is_told in sorted(given):
        kind = Told if is_told else Split
        splits.append(kind(DATES[at], new, old, closes[at - 1]))
    rows = [day(date, close) for date, close in zip(DATES, closes, strict=True)]
    stepwise = adjusted_closes([(bar.start[:10], bar.close) for bar in rows], splits)
    highest = HALF * 7
    for bar, close in zip(adjusted_bars(rows, splits), stepwise, strict=True):
        later = [split.factor for split in splits if split.date > bar.start[:10]]
        bound = highest * max((_product(later[:at]) for at in range(len(later))), default=1)
        assert abs(Fraction(bar.close) - Fraction(close)) <= max(bound, highest)


@settings(max_examples=200, deadline=None)
@given(
    st.decimals(DECIMALS, HIGHEST_PRICE, places=8),
    st.one_of(
        st.fractions(Fraction(1, 10**9), 10**9),
        st.sampled_from([Fraction(n, d) for n in (1, 3, 5**9) for d in (2, 8, 10**8, 2 * 10**8)]),
    ),
)
def test_rounding_is_that_of_the_exact_product(price: Decimal, factor: Fraction) -> None:
    units = min(max(round(Fraction(price) * factor * 10**8), 1), int(HIGHEST_PRICE.scaleb(8)))
    assert Fraction(scaled_price(price, factor)) == Fraction(units, 10**8)


def test_products_of_thousands_of_digits_stay_in_bounds() -> None:
    ratios = ("9973:1", "1:9973", "9973:9967")
    for ratio, close in zip(ratios, (DECIMALS, HIGHEST_PRICE, None), strict=True):
        dates = [f"{year}-{month:02}-01" for year in range(1900, 2020) for month in range(1, 13)]
        scale = scale_of([make_split(date, ratio) for date in dates])
        bar = scale.adjust(day("1900-01-01", Decimal("123.45")), "1899-12-31")
        exact = Fraction("123.45") * Fraction(9967, 9973) ** len(dates)
        assert bar.close == (close or Decimal(round(exact * 10**8)).scaleb(-8))


def test_bars_are_rebuilt_once_however_many_actions_come_after_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[object] = []
    replace = msgspec.structs.replace

    def counted(one: Any, **fields: Any) -> Any:
        made.append(one)
        return replace(one, **fields)

    monkeypatch.setattr(msgspec.structs, "replace", counted)
    told = [Told.of(make_dividend(date, 1, 100)) for date in DATES[1:]]
    assert len(adjusted_bars([day(date, Decimal(100)) for date in DATES], told)) == len(DATES)
    assert len(made) == len(DATES) - 1


def _product(factors: Sequence[Fraction]) -> Fraction:
    found = Fraction(1)
    for factor in factors:
        found *= factor
    return found


def test_a_product_is_rounded_once_half_to_even() -> None:
    scale = scale_of([make_split("2026-03-03", "3:1"), make_split("2026-03-04", "1:3")])
    assert scale.adjust(day("2026-03-02", Decimal(100)), "2026-03-02").close == 100
    assert scaled_price(Decimal("0.00000005"), Fraction(1, 2)) == Decimal("0.00000002")
    assert scaled_price(Decimal("0.00000003"), Fraction(1, 2)) == Decimal("0.00000002")
    assert scaled_price(DECIMALS, Fraction(1, 15)) == DECIMALS
    assert scaled_price(HIGHEST_PRICE, Fraction(10_000)) == HIGHEST_PRICE


def test_a_dividend_of_nearly_the_whole_price_leaves_something() -> None:
    dividend = make_dividend("2026-03-03", "99.99999999", 100)
    bar = scale_of([dividend]).adjust(day("2026-03-02", Decimal(100)), "2026-03-02")
    assert bar.close == DECIMALS


def test_splits_count_where_stored_prices_do_not_fit() -> None:
    splits = [Split("2026-03-03", 2, 1, Decimal(200)), Split("2026-03-05", 3, 1, Decimal(90))]
    raw = {"2026-03-03": ("2026-03-02", Decimal(201)), "2026-03-05": ("2026-03-04", Decimal(91))}
    assert unadjusted(splits, raw.get) == splits
    refetched = {day: (before, close / 6) for day, (before, close) in raw.items()}
    assert unadjusted(splits, {**refetched, "2026-03-05": ("2026-03-04", Decimal(30))}.get) == []
    assert unadjusted(splits, {"2026-03-05": raw["2026-03-05"]}.get) == splits[1:]
