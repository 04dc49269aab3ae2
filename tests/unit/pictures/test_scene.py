"""Which bars, averages and labels a picture has."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.indicators.sma import SMA
from chalicelib.domain.pictures.scales import round_prices, time_labels
from chalicelib.domain.pictures.scene import (
    MOST_BARS,
    MOST_READ,
    compose_scene,
    stored_needed,
)
from tests.factories import make_alert, make_bar
from tests.indicator_series import over
from tests.unit.pictures.conftest import NEW_YORK

FIVE_MINUTES = {"sma_5": Decimal(1), "sma_20": Decimal(2)}


@pytest.mark.parametrize(
    ("interval", "values", "bars"),
    [
        ("tick", FIVE_MINUTES, 60),
        ("1m", {}, 60),
        ("1m", FIVE_MINUTES, 80),
        ("5m", FIVE_MINUTES, 400),
        ("30m", {}, MOST_READ),
        ("1d", {"sma_50": Decimal(1), "sma_200": Decimal(2)}, 260),
    ],
)
def test_as_many_stored_bars_are_needed_as_are_shown_or_averaged(
    interval: str, values: dict[str, Decimal], bars: int
) -> None:
    assert stored_needed(make_alert(interval=interval, values=values)) == bars


def test_bars_are_folded_and_the_newest_sixty_shown(minutes: list[Bar]) -> None:
    many = [make_bar(60 * n, n + 1) for n in range(400)]
    scene = compose_scene(many, make_alert(interval="5m", values={"sma_2": Decimal(1)}))
    assert (len(scene.bars), scene.at) == (MOST_BARS, MOST_BARS - 1)
    assert [bar.close for bar in scene.bars][-2:] == [395, 400]
    closes = [Decimal(n) for n in range(5, 401, 5)]
    assert scene.averages[0].line == tuple(over(SMA(2), closes)[-MOST_BARS:])


def test_the_signal_of_a_tick_lies_one_place_behind_the_last_bar(minutes: list[Bar]) -> None:
    scene = compose_scene(minutes[:10], make_alert(700))
    assert (len(scene.bars), scene.at) == (10, 10)


def test_a_rule_on_bars_shows_the_regular_ones_and_one_on_ticks_all(minutes: list[Bar]) -> None:
    mixed = [msgspec.structs.replace(bar, extended=n < 20) for n, bar in enumerate(minutes)]
    on_bars, on_ticks = (
        compose_scene(mixed, make_alert(interval=interval)) for interval in ("1m", "tick")
    )
    assert (len(on_bars.bars), len(on_ticks.bars)) == (40, 60)


def test_the_previous_close_is_the_level_of_a_change() -> None:
    values = {"value": Decimal(5), "previous_close": Decimal(95)}
    scene = compose_scene([], make_alert(condition="change_percent", values=values))
    assert scene.level is not None
    assert (scene.level.name, scene.level.price) == ("Previous close", 95)
    cross = make_alert(condition="golden_cross", values={"previous_close": Decimal(95)})
    assert compose_scene([], cross).level is None


def test_times_are_round_and_those_of_the_exchange(minutes: list[Bar]) -> None:
    labels = time_labels(minutes, "1m", NEW_YORK, 8)
    assert list(labels.items())[:2] == [(0, "10:30"), (10, "10:40")]


def test_the_date_replaces_the_first_time_of_a_further_day() -> None:
    days = [make_bar(86400 * day + 60 * n, 1) for day in range(2) for n in range(30)]
    assert list(time_labels(days, "1m", NEW_YORK, 8).values()) == [
        *("10:30", "10:40", "10:50"),
        *("Nov 21", "10:40", "10:50"),
    ]


def test_days_have_dates_and_months_their_years() -> None:
    bar = make_bar(interval="1d", start=0)
    day = msgspec.structs.replace(bar, start="2026-11-20T00:00:00.000000Z")
    assert time_labels([day], "1d", NEW_YORK, 5) == {0: "Nov 20"}
    assert time_labels([day], "1mo", NEW_YORK, 5) == {0: "Nov 2026"}


@pytest.mark.parametrize(
    ("low", "high", "prices", "decimals"),
    [
        (188.2, 190.1, [188.5, 189.0, 189.5, 190.0], 1),
        (5_990.0, 6_410.0, [6000, 6100, 6200, 6300, 6400], 0),
        (0.0000118, 0.0000129, [0.0000120, 0.0000125], 7),
    ],
)
def test_prices_beside_the_chart_are_round(
    low: float, high: float, prices: list[float], decimals: int
) -> None:
    found, places = round_prices(low, high)
    assert (found, places) == (pytest.approx(prices), decimals)
