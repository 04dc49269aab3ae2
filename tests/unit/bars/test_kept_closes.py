"""Closes out of a container that keeps them are those of a container that keeps none."""

from __future__ import annotations

import random
import time
import zlib
from typing import Any
from unittest import mock

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.bar_closes import BarClose
from chalicelib.domain.folding import MINUTES, label
from chalicelib.services.bars import closes, kept_closes
from chalicelib.services.bars.closes import ClosesBefore, KeptClosesBefore
from chalicelib.services.bars.kept_closes import Basis, CloseKeeper, KeptCloses
from tests.factories import NEVER, at, make_bar
from tests.fake_series import FakeBars

SYMBOL = "AAPL"
KINDS = ("ticks", "ticks", "ticks", "history", "extended", "none")


class Market:
    """The bars of one symbol, the state's count of repairs, and containers that keep closes."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.bars = FakeBars()
        self.repairs = 0
        self.newest = 0
        self.keepers = [CloseKeeper(), CloseKeeper()]
        self.found: list[list[BarClose]] = []
        self.wanted: list[list[BarClose]] = []

    def go_on(self, minutes: int) -> None:
        """Minutes of ticks and of history, both kinds, some missing."""
        for minute in range(self.newest + 1, self.newest + 1 + minutes):
            self._store(minute)
        self.newest += minutes
        self._store(self.newest, "ticks")

    def _store(self, minute: int, kind: str = "") -> None:
        kind = kind or self.dice.choice(KINDS)
        ticks = 0 if kind == "history" else 3
        price = self.dice.randrange(1, 99)
        bar = make_bar(60 * minute, price, ticks=ticks, extended=kind == "extended")
        if kind != "none":
            self.bars.write_history([bar], at(), NEVER)

    def _change(self, back: int, width: int) -> int:
        """Other bars in the place of some; the first minute."""
        first = max(0, self.newest - back)
        for minute in range(first, min(first + width, self.newest + 1)):
            self.bars.discard(make_bar(60 * minute), at())
            self._store(minute, self.dice.choice(["ticks", "none"]))
        return first

    def repair(self, back: int, width: int, by: int | None) -> None:
        """Repair in one of the containers, or in another one."""
        first = self._change(back, width)
        if by is not None:
            since = at(60 * first + 30)
            self.keepers[by].repaired(SYMBOL, self.repairs, self.repairs + 1, since)
        self.repairs += 1

    def come_as_history(self, back: int, width: int) -> None:
        """Historical minutes among those that are stored."""
        for minute in range(max(0, self.newest - back), self.newest - back + width):
            self._store(minute, "history")
        self.bars.mark_history([SYMBOL], NEVER)

    def begin_anew(self) -> None:
        """The symbol is forgotten; its next minutes may have the times of those before."""
        self.bars.series.clear()
        self.bars.marks.clear()
        self.repairs += 1
        self.newest = self.dice.randrange(self.newest + 1)
        self.go_on(1)

    def close(self, by: int, stale: int, ahead: int, counts: list[int], written: bool) -> None:
        """Bars of several intervals close, of a state that may be behind. Notes the closes before
        them as they are kept, and as they are read anew."""
        fresh = ClosesBefore(self.bars, SYMBOL)
        kept = KeptClosesBefore(self.bars, SYMBOL, self.keepers[by], self.repairs)
        for interval, count in zip(self.dice.sample(list(MINUTES), 3), counts, strict=False):
            at_minute = max(0, self.newest - stale)
            first = label(at(60 * at_minute), interval)
            end = label(at(60 * (at_minute + ahead)), interval)
            self.found.append(list(kept(interval, first, end, count)))
            self.wanted.append(list(fresh(interval, first, end, count)))
        if written:
            kept.keep()


stretch: dict[str, Any] = {"back": st.integers(0, 300), "width": st.integers(1, 40)}
steps = st.lists(
    st.one_of(
        st.builds(dict, do=st.just("go_on"), minutes=st.sampled_from([1, 5, 17, 31, 400])),
        st.builds(dict, do=st.just("repair"), by=st.sampled_from([0, 1, None]), **stretch),
        st.builds(dict, do=st.just("come_as_history"), **stretch),
        st.builds(dict, do=st.just("begin_anew")),
        *[
            st.builds(
                dict,
                do=st.just("close"),
                by=st.integers(0, 1),
                stale=st.sampled_from([0, 0, 0, 3, 40]),
                ahead=st.sampled_from([0, 1, 7, 65]),
                counts=st.lists(st.integers(1, 30), min_size=1, max_size=3),
                written=st.sampled_from([True, True, False]),
            )
        ]
        * 3,
    ),
    min_size=4,
    max_size=30,
)


@settings(max_examples=100)
@given(seed=st.integers(0, 99), steps=steps)
def test_cached_closes_equal_those_read_again(seed: int, steps: list[dict[str, Any]]) -> None:
    market = Market(seed)
    market.go_on(300)
    with mock.patch.object(closes, "_MOST_KEPT", 20):
        for step in steps:
            getattr(market, step["do"])(**{name: step[name] for name in step if name != "do"})
    assert market.found == market.wanted


class Counting(FakeBars):
    """Bars that count what is read of them."""

    read = 0

    def closes(self, *given: Any, **named: Any) -> Any:
        """See BarStore."""
        for close in super().closes(*given, **named):
            self.read += 1
            yield close


def trade(bars: FakeBars, start: int, end: int) -> None:
    """A bar in each minute from one up to another."""
    for minute in range(start, end):
        bars.put(make_bar(60 * minute, 5, ticks=3), at())


def close(
    bars: FakeBars, keeper: CloseKeeper, minute: int, count: int, repairs: int = 0
) -> list[BarClose]:
    """The closes before the half-hour that a minute begins, kept."""
    history = KeptClosesBefore(bars, SYMBOL, keeper, repairs)
    found = list(history("30m", at(60 * minute), at(60 * minute), count))
    history.keep()
    return found


def test_a_close_reads_the_minutes_since_the_one_before() -> None:
    bars, keeper = Counting(), CloseKeeper()
    trade(bars, 0, 14_400)
    close(bars, keeper, 14_400, 400)
    assert bars.read > 12_000
    trade(bars, 14_400, 14_430)
    bars.read = 0
    assert len(close(bars, keeper, 14_430, 400)) == 400
    assert bars.read <= 31
    trade(bars, 14_430, 14_460)
    bars.read = 0
    keeper.repaired(SYMBOL, 0, 1, at(60 * 14_425))
    assert len(close(bars, keeper, 14_460, 400, repairs=1)) == 400
    assert bars.read <= 61


def test_a_late_tick_of_long_ago_does_not_have_all_since_then_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(closes, "_READ_AT_LEAST", 50)
    bars, keeper = Counting(), CloseKeeper()
    trade(bars, 0, 60)
    close(bars, keeper, 60, 1)
    for minute in range(60, 6_000):
        bars.put(make_bar(60 * minute, 9, ticks=1, extended=True), at())
    bars.read = 0
    keeper.repaired(SYMBOL, 0, 1, at(60 * 45))
    assert close(bars, keeper, 6_000, 1, repairs=1) == []
    assert bars.read <= 50 + 4 * 30 * 2 + 1


def test_rules_on_ever_more_bars_have_the_minutes_read_only_as_often_as_they_double() -> None:
    bars, keeper = Counting(), CloseKeeper()
    trade(bars, 0, 14_100)
    reads = []
    for turn, count in enumerate(range(200, 230)):
        now = 14_100 + 30 * turn
        trade(bars, now - 30, now)
        bars.read = 0
        assert len(close(bars, keeper, now, count)) == count
        reads.append(bars.read)
    assert sum(read > 31 for read in reads) == 1


@pytest.fixture
def kept() -> KeptCloses:
    """A thousand closes of half-hours."""
    dice = random.Random(1)
    found = [
        BarClose(at(1800 * n), at(1800 * n + 1740), (at(1800 * n)[:10], make_bar(0, price).close))
        for n in range(1000)
        for price in [f"{dice.randrange(10**6)}.{dice.randrange(10**8):08}"]
    ]
    return KeptCloses(Basis(3, "m"), at(1800 * 1000), False, 0.0, tuple(found))


def test_stored_objects_survive_a_day_unchanged(kept: KeptCloses) -> None:
    keeper = CloseKeeper()
    with mock.patch.object(kept_closes, "time") as clock:
        keeper.keep(SYMBOL, "30m", kept)
        clock.monotonic.return_value = 0.75 * kept_closes.MAX_SECONDS - 1
        assert keeper.get(SYMBOL, "30m") == kept
        clock.monotonic.return_value = kept_closes.MAX_SECONDS
        assert keeper.get(SYMBOL, "30m") is None


def test_a_thousand_closes_take_no_more_room_than_is_said(kept: KeptCloses) -> None:
    most = kept_closes.MAX_BYTES // 3_000
    keeper = CloseKeeper(4 * most)
    now = msgspec.structs.replace(kept, read_at=time.monotonic())
    for n in range(9):
        keeper.keep(f"S{n}", "30m", now)
    held = [n for n in range(9) if keeper.get(f"S{n}", "30m") is not None]
    assert held[:4] == [0, 1, 2, 3]


def test_series_in_use_stay_where_there_are_more_than_there_is_room_for(kept: KeptCloses) -> None:
    size = len(zlib.compress(msgspec.msgpack.encode(kept), 1))
    keeper = CloseKeeper(3 * size + 10)
    with mock.patch.object(kept_closes, "time") as clock:
        for half_hour in range(4):
            clock.monotonic.return_value = 1800.0 * half_hour
            hits = sum(_used(keeper, f"S{n}", kept) for n in range(5))
            assert hits == (3 if half_hour else 0)


def test_a_series_that_is_idle_gives_way(kept: KeptCloses) -> None:
    keeper = CloseKeeper(len(zlib.compress(msgspec.msgpack.encode(kept), 1)) + 10)
    with mock.patch.object(kept_closes, "time") as clock:
        clock.monotonic.return_value = 0.0
        keeper.keep("OLD", "30m", kept)
        clock.monotonic.return_value = kept_closes.IDLE_SECONDS - 1
        keeper.keep("NEW", "30m", kept)
        assert (keeper.get("OLD", "30m"), keeper.get("NEW", "30m")) == (kept, None)
        clock.monotonic.return_value += kept_closes.IDLE_SECONDS
        keeper.keep("NEW", "30m", kept)
        assert (keeper.get("OLD", "30m"), keeper.get("NEW", "30m")) == (None, kept)


def test_series_that_were_read_at_one_close_do_not_all_end_at_one(kept: KeptCloses) -> None:
    keeper = CloseKeeper()
    with mock.patch.object(kept_closes, "time") as clock:
        clock.monotonic.return_value = 0.0
        for n in range(40):
            keeper.keep(f"S{n}", "30m", kept)
        clock.monotonic.return_value = 0.875 * kept_closes.MAX_SECONDS
        held = sum(keeper.get(f"S{n}", "30m") is not None for n in range(40))
    assert 5 < held < 35


def _used(keeper: CloseKeeper, symbol: str, kept: KeptCloses) -> bool:
    """Return whether a series was cached, as at a close, which caches it again."""
    found = keeper.get(symbol, "30m") is not None
    keeper.keep(symbol, "30m", kept)
    return found


def test_a_forgotten_symbol_takes_no_room(kept: KeptCloses) -> None:
    keeper = CloseKeeper()
    now = msgspec.structs.replace(kept, read_at=time.monotonic())
    keeper.keep(SYMBOL, "30m", now)
    keeper.keep("MSFT", "30m", now)
    keeper.forget(SYMBOL)
    assert keeper.get(SYMBOL, "30m") is None
    assert keeper.get("MSFT", "30m") == now
