"""The simulator: one series, whether it comes as history, live or after a restart."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

import pytest

from producer.sources.simulated_path import DAY_SECONDS, SimulatedPath
from producer.sources.simulator import SYMBOLS, Simulator, day_bars, minute_bars
from producer.watchlist import FixedList
from producer.wire import WireTick

NOON = 20_800 * DAY_SECONDS + DAY_SECONDS // 2
CENT = Decimal("0.01")


def ticking(start: float) -> Iterator[float]:
    """A clock that moves by 0.5 s whenever it is read."""
    while True:
        yield start
        start += 0.5


def batches(count: int, **options: object) -> list[list[WireTick]]:
    clock = ticking(NOON)
    simulator = Simulator(FixedList(("A", "B")), now=lambda: next(clock), interval=0.05, **options)  # type: ignore[arg-type]
    source = simulator.batches(threading.Event())
    return [list(next(source)) for _ in range(count)]


def test_the_same_seed_and_instant_give_the_same_tick_in_any_order() -> None:
    instants = [NOON + 7.25, NOON - 90_000, NOON + 3600]
    forward = [Simulator(FixedList(("A", "B")), seed=5).poll(instant) for instant in instants]
    fresh = Simulator(FixedList(("A", "B")), seed=5)
    backward = [fresh.poll(instant) for instant in reversed(instants)]
    assert forward == backward[::-1]


def test_another_seed_gives_other_prices() -> None:
    one, other = (Simulator(FixedList(("A",)), seed=seed).poll(NOON)[0] for seed in (1, 2))
    assert one.price != other.price


def test_history_comes_first_symbol_first_and_days_last() -> None:
    made = batches(8)
    kinds = [(batch[0].symbol, batch[0].bar) for batch in made if batch[0].bar]
    assert kinds[:3] == [("A", "1m"), ("B", "1m"), ("A", "1d")]
    assert len(made[0]) == 400
    assert all(bar.mode == "backfill" for batch in made for bar in batch if bar.bar)


def test_live_ticks_do_not_wait_for_the_end_of_history() -> None:
    made = batches(4)
    assert [batch[0].bar for batch in made] == ["1m", None, "1m", None]
    assert made[3][0].mode == "live"


def test_a_first_tick_before_the_history_is_complete_alerts_nobody() -> None:
    ticks = [tick for batch in batches(9) for tick in batch if not tick.bar and tick.symbol == "A"]
    assert [tick.mode for tick in ticks[:3]] == ["backfill", "live", "live"]
    alone = [tick.mode for batch in batches(2, history=False) for tick in batch]
    assert set(alone) == {"live"}


def test_minute_bars_join_each_other_and_the_live_price() -> None:
    path = SimulatedPath(1, "A")
    bars = minute_bars("A", path, NOON, 400)
    assert all(before.price == after.open for before, after in pairwise(bars))
    assert bars[-1].timestamp == "2026-12-13T11:59:00.000000Z"
    tick = Simulator(FixedList(("A",)), seed=1).poll(NOON)[0]
    assert tick.price == bars[-1].price


def test_live_prices_stay_within_the_bar_that_history_tells_of_them() -> None:
    path = SimulatedPath(1, "A")
    live = Simulator(FixedList(("A",)), seed=1)
    for bar, start in zip(minute_bars("A", path, NOON, 30), range(-30, 0), strict=True):
        prices = [live.poll(NOON + start * 60 + second)[0].price for second in range(60)]
        assert bar.low is not None
        assert bar.high is not None
        assert bar.low <= min(prices)
        assert max(prices) <= bar.high
        assert prices[0] == bar.open


def test_the_day_contains_its_minutes_and_ends_where_they_end() -> None:
    path = SimulatedPath(1, "A")
    (day,) = day_bars("A", path, NOON, 1)
    midnight = NOON - DAY_SECONDS // 2
    minutes = minute_bars("A", path, midnight, 1440)
    assert day.low is not None
    assert day.high is not None
    assert day.low <= min(bar.low for bar in minutes if bar.low)
    assert day.high >= max(bar.high for bar in minutes if bar.high)
    assert (minutes[0].open, minutes[-1].price) == (day.open, day.price)
    assert sum(bar.volume for bar in minutes if bar.volume) == day.volume


def test_a_session_runs_on_through_the_day() -> None:
    live = Simulator(FixedList(("A",)), seed=1)
    ticks = [live.poll(NOON + 30 * step)[0] for step in range(400)]
    for before, after in pairwise(ticks):
        assert before.volume is not None
        assert after.volume is not None
        assert before.high is not None
        assert after.high is not None
        assert before.volume <= after.volume
        assert before.high <= after.high
        assert after.price <= after.high
        assert before.open == after.open


def test_previous_close_is_the_close_of_the_day_before() -> None:
    path = SimulatedPath(1, "A")
    (yesterday,) = day_bars("A", path, NOON, 1)
    assert Simulator(FixedList(("A",)), seed=1).poll(NOON)[0].previous_close == yesterday.price


def test_some_days_of_some_symbols_move_by_more_than_five_percent() -> None:
    moved = 0
    for symbol in SYMBOLS[:8]:
        bars = day_bars(symbol, SimulatedPath(1, symbol), NOON, 60)
        moved += sum(
            abs(after.price / before.price - 1) > Decimal("0.05")
            for before, after in pairwise(bars)
        )
    assert 8 * 60 / 6 < moved < 8 * 60 / 2


def test_volume_and_moves_are_u_shaped() -> None:
    path = SimulatedPath(1, "A")
    volumes = [0, 0, 0]
    for day in range(20_700, 20_730):
        made = path.minutes(day).volumes
        thirds = [made[480], made[960] - made[480], made[1440] - made[960]]
        volumes = [before + third for before, third in zip(volumes, thirds, strict=True)]
    assert volumes[0] > 1.5 * volumes[1]
    assert volumes[2] > 1.5 * volumes[1]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_prices_are_whole_cents_and_stay_realistic(symbol: str) -> None:
    for bar in day_bars(symbol, SimulatedPath(1, symbol), NOON, 730):
        assert Decimal(5) < bar.price < Decimal(5000)
        assert bar.price == bar.price.quantize(CENT)
        assert bar.low is not None
        assert bar.high is not None
        assert bar.open is not None
        assert bar.low <= min(bar.open, bar.price)
        assert max(bar.open, bar.price) <= bar.high


def test_every_tick_says_that_it_is_simulated() -> None:
    assert {tick.source for tick in Simulator().poll(NOON)} == {"simulator"}
    assert len(SYMBOLS) == len(set(SYMBOLS)) == 25


def test_history_tells_how_much_of_it_was_given() -> None:
    told: list[tuple[str, float | None]] = []
    clock = ticking(NOON)
    simulator = Simulator(
        FixedList(("A", "B")),
        now=lambda: next(clock),
        interval=0.05,
        say=lambda state, progress: told.append((state, progress)),
    )
    source = simulator.batches(threading.Event())
    while ("live", None) not in told:
        next(source)
    history = [progress for state, progress in told if state == "sending history"]
    assert history == [0.0, 0.25, 0.5, 0.75]
