"""The quality of a series: which minutes of trading have bars, where bars jump, and how late ticks
arrive.

Nothing here reads a clock or a store. `trading_minutes.py` defines the minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chalicelib.domain.bars import Bar
from chalicelib.domain.field_types import Count, Instant, Price
from chalicelib.domain.trading_minutes import Stretch, minute_of, text_of

Status = Literal["received", "filled", "missing"]

LEAST_JUMP, DEFAULT_JUMP, MOST_JUMP = Decimal("0.1"), Decimal(1), Decimal(1000)
"""The lowest, the default and the highest percentage from which a change counts as a jump."""

_PLACES = Decimal("0.0001")
_SECOND = Decimal(1_000_000)


class SessionQuality(msgspec.Struct, frozen=True):
    """The expected and the present minutes of one session."""

    date: Annotated[str, Meta(description="The trading day.", examples=["2026-11-20"])]
    start: Annotated[Instant, Meta(description="Its first minute in the range.")]
    end: Annotated[Instant, Meta(description="The end of its last one.")]
    expected: Annotated[
        Count | None, Meta(description="Minutes of trading; null if the hours are unknown.")
    ]
    received: Annotated[Count, Meta(description="Those of them with a bar, filled ones included.")]
    filled: Annotated[
        Count, Meta(description="Those of them whose bar came from the source's history.")
    ]


class Gap(msgspec.Struct, frozen=True):
    """Consecutive minutes of trading without a tick."""

    start: Instant
    end: Annotated[Instant, Meta(description="Exclusive.")]
    minutes: Count
    filled_by: Annotated[
        str | None,
        Meta(description="backfill: the source's history gave its bars. null: it has none."),
    ]


class Jump(msgspec.Struct, frozen=True):
    """A bar with a price far from the close of the bar before."""

    timestamp: Instant
    previous: Annotated[Instant, Meta(description="The start of the bar before.")]
    previous_close: Price
    price: Annotated[Decimal, Meta(description="The bar's price farthest from that close.")]
    change_percent: Annotated[Decimal, Meta(description="To four decimal places.")]


class Delays(msgspec.Struct, frozen=True):
    """Seconds from the timestamps of ticks to their arrival. Without ticks, only `ticks` is set."""

    ticks: Annotated[Count, Meta(description="The ticks measured: the newest live ones.")]
    start: Annotated[
        Instant | None, Meta(description="The timestamp of the first; null without one.")
    ] = None
    end: Annotated[Instant | None, Meta(description="The timestamp of the last.")] = None
    p50: Annotated[
        Decimal | None, Meta(description="Half of them came within this many seconds.")
    ] = None
    p90: Decimal | None = None
    p99: Decimal | None = None
    max: Decimal | None = None


class Quality(msgspec.Struct, frozen=True):
    """The quality of a series in a range."""

    sessions: tuple[SessionQuality, ...]
    gaps: tuple[Gap, ...]
    jumps: tuple[Jump, ...]


def assess(
    stretches: Sequence[Stretch], bars: Sequence[Bar], jump_percent: Decimal, *, hours_known: bool
) -> Quality:
    """Return the quality of a range: its sessions, gaps and jumps.

    `bars` are the 1m bars in order, and `stretches` the minutes of trading in which bars are
    expected. If the hours are unknown, there are no gaps, and `expected` is None.
    """
    by_minute: dict[int, list[Bar]] = {}
    for bar in bars:
        by_minute.setdefault(minute_of(bar.start), []).append(bar)
    statuses = {minute: _status(found) for minute, found in by_minute.items()}
    joined = _joined(stretches) if hours_known else list(stretches)
    return Quality(
        tuple(_sessions(stretches, statuses, hours_known=hours_known)),
        tuple(_gaps(joined, statuses)) if hours_known else (),
        tuple(_jumps(joined, by_minute, jump_percent)),
    )


def delays_of(stamps: Iterable[tuple[str, int]]) -> Delays:
    """Return the percentiles of ticks' delays, by nearest rank.

    `stamps` has each tick's timestamp and its delay in microseconds, in any order.
    """
    rows = list(stamps)
    if not rows:
        return Delays(0)
    delays = sorted(delay for _, delay in rows)

    def at(percent: int) -> Decimal:
        return Decimal(delays[-(-len(delays) * percent // 100) - 1]) / _SECOND

    return Delays(
        ticks=len(rows),
        start=min(rows)[0],
        end=max(rows)[0],
        p50=at(50),
        p90=at(90),
        p99=at(99),
        max=at(100),
    )


def _status(bars: Sequence[Bar]) -> Status:
    return "received" if any(bar.ticks for bar in bars) else "filled"


def _sessions(
    stretches: Sequence[Stretch], statuses: Mapping[int, Status], *, hours_known: bool
) -> Iterable[SessionQuality]:
    for day, group in groupby(stretches, key=attrgetter("date")):
        parts = list(group)
        found = [statuses.get(m) for part in parts for m in range(part.start, part.end)]
        yield SessionQuality(
            date=day.isoformat(),
            start=text_of(parts[0].start),
            end=text_of(parts[-1].end),
            expected=len(found) if hours_known else None,
            received=len(found) - found.count(None),
            filled=found.count("filled"),
        )


def _joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Return the stretches. Stretches that follow each other without a pause are joined."""
    found: list[Stretch] = []
    for stretch in stretches:
        if found and found[-1].end == stretch.start:
            found[-1] = found[-1]._replace(end=stretch.end)
        else:
            found.append(stretch)
    return found


def _gaps(stretches: Sequence[Stretch], statuses: Mapping[int, Status]) -> Iterable[Gap]:
    for stretch in stretches:
        minutes = range(stretch.start, stretch.end)
        for status, run in groupby(minutes, lambda minute: statuses.get(minute, "missing")):
            if status != "received":
                found = list(run)
                filled_by = "backfill" if status == "filled" else None
                yield Gap(text_of(found[0]), text_of(found[-1] + 1), len(found), filled_by)


def _jumps(
    stretches: Sequence[Stretch], bars: Mapping[int, Sequence[Bar]], percent: Decimal
) -> Iterable[Jump]:
    for stretch in stretches:
        before: Bar | None = None
        for minute in range(stretch.start, stretch.end):
            for bar in bars.get(minute, ()):
                if before is not None and (jump := _jump(before, bar, percent)):
                    yield jump
                before = bar


def _jump(before: Bar, bar: Bar, percent: Decimal) -> Jump | None:
    close = before.close
    if close <= 0 or 100 * max(bar.high - close, close - bar.low) <= percent * close:
        return None
    price = bar.high if bar.high - close >= close - bar.low else bar.low
    change = (100 * (price - close) / close).quantize(_PLACES)
    return Jump(bar.start, before.start, close, price, change)
