"""Detect: CPU per tick with 1, 10 and 45 rules that have conditions `when`, and of two previews.

Each rule has three parts, on 1-minute bars and on the daily average, with windows of its own.
Together with the five default rules, 45 are as many as a symbol may have. The symbol has a price
each 30 seconds, one per batch, as in live operation. 300 days and two sessions of minutes are
stored. Tables are in memory, in this process, so a request costs less than on AWS. That favours no
number of rules, since the rules of a symbol share what they read. A preview has the 10 s of one API
call.

    python -m bench when_cpu
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from bench.measuring import alternate, timed
from chalicelib.api.rule_views import PREVIEW_SECONDS
from chalicelib.bootstrap import Services
from chalicelib.domain.bars import Bar
from chalicelib.domain.rules import Rule, parse_rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from chalicelib.services.detect.changed_prices import ChangedPrices
from chalicelib.services.priced import PricedRecord
from chalicelib.services.rules.preview import Preview
from rigs.memory_aws.system import SETTINGS, Aws

COUNTS = (0, 1, 10, 45)
ROUNDS = 5
TICKS = 120
TARGET = 1.5
PREVIEW_TARGET = 1.0
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
_ARRIVAL = "2026-11-20T14:30:00.000000Z"
_FOREVER = float("inf")


def compound(number: int) -> Rule:
    """Return a rule whose condition has three parts. The parts differ from number to number."""
    when = f"rsi({10 + number % 9}) < {20 + number} and close > sma({150 + number}, 1d)"
    when += f" and volume > 2 * mean(volume, {10 + number})"
    return parse_rule({"symbol": "AAPL", "interval": "1m", "when": when}, f"r{number:02d}")


def bar(source: random.Random, interval: str, start: datetime) -> Bar:
    """Return a historical bar with prices and volume drawn from `source`."""
    close = Decimal(10_000 + source.randint(-200, 200)) / 100
    return Bar(
        symbol="AAPL",
        interval=interval,
        start=to_text(start),
        open=close,
        high=close + 1,
        low=close - 1,
        close=close,
        volume=Decimal(source.randint(100, 900)),
        session_date=start.date().isoformat(),
    )


class World:
    """A symbol with `count` rules, its history, and stored ticks for all rounds."""

    def __init__(self, count: int) -> None:
        source = random.Random(23)
        aws = Aws()
        self._services = Services(SETTINGS, lambda: OPEN + timedelta(hours=9), aws)
        stores = self._services.stores
        for number in range(count):
            assert stores.rules.write(stores.rules.table(), compound(number))
        midnight = OPEN.replace(hour=0, minute=0)
        days = [bar(source, "1d", midnight - timedelta(days=n)) for n in range(300, 0, -1)]
        before = [OPEN - timedelta(days=n, minutes=-m) for n in (2, 1) for m in range(390)]
        stores.bars.write_history(days, _ARRIVAL, _FOREVER)
        minutes = [bar(source, "1m", start) for start in before]
        stores.bars.write_history(minutes, _ARRIVAL, _FOREVER)
        self._ticks = [self._tick(source, n) for n in range(TICKS * (ROUNDS + 1))]
        stores.prices.write([PricedRecord((tick,), _ARRIVAL) for tick in self._ticks], _FOREVER)
        self._next = 0

    @staticmethod
    def _tick(source: random.Random, number: int) -> Tick:
        stamp = to_text(OPEN + timedelta(seconds=30 * number))
        price = Decimal(10_000 + source.randint(-200, 200)) / 100
        return Tick(
            symbol="AAPL",
            timestamp=stamp,
            price=price,
            volume=Decimal(100 * number),
            source="replay",
            mode="backfill",
            exchange_timezone="America/New_York",
        )

    def run(self) -> None:
        """Detect the ticks of the next round, one per batch."""
        for tick in self._ticks[self._next : self._next + TICKS]:
            change = ChangedPrices("1", "AAPL", tick.timestamp, tick.timestamp, _ARRIVAL)
            assert self._services.detect([change]).failed == ()
        self._next += TICKS


def measure() -> list[dict[str, object]]:
    """Return the benchmark's results."""
    cases: dict[str, Callable[[], None]] = {str(count): World(count).run for count in COUNTS}
    found = alternate(cases, ROUNDS)
    per_tick = {name: [seconds / TICKS * 1e6 for seconds in found[name]] for name in cases}
    one = median(per_tick["1"])
    results = [result(count, per_tick[str(count)], one) for count in COUNTS]
    return [*results, ten_years_of_days(), a_year_of_minutes()]


def previewed(name: str, bars: Sequence[Bar], when: str, most: float) -> dict[str, Any]:
    """Return the CPU result of one preview over all bars. The preview's deadline counts CPU time
    too, so other work of the machine has no effect."""
    services = Services(SETTINGS, lambda: OPEN, Aws(page_items=len(bars)))
    services.stores.bars.write_history(bars, _ARRIVAL, _FOREVER)
    rule = parse_rule({"symbol": "AAPL", "interval": bars[0].interval, "when": when}, "r")
    preview = Preview(services.stores, services.shown, time.process_time)
    began = time.process_time()
    found = preview(rule, "AAPL", None, None, began + PREVIEW_SECONDS)
    seconds = time.process_time() - began
    return {
        "name": name,
        "value": round(seconds, 2),
        "unit": f"s CPU for {found.judged:,} of {len(bars):,} bars",
        "target": f"at most {most:g} s",
        "holds": found.complete and found.judged == len(bars) and seconds <= most,
    }


def ten_years_of_days() -> dict[str, Any]:
    """Return the result of a preview over ten years of daily bars."""
    source, midnight = random.Random(23), OPEN.replace(hour=0, minute=0)
    days = [midnight - timedelta(days=n) for n in range(3653, 0, -1)]
    bars = [bar(source, "1d", day) for day in days if day.weekday() < 5]
    when = "rsi(14) < 40 and close > sma(200) and volume > 1.5 * mean(volume, 20)"
    return previewed("when_preview_of_ten_years", bars, when, PREVIEW_TARGET)


def a_year_of_minutes() -> dict[str, Any]:
    """Return the result of a preview over the minute bars of 252 sessions."""
    source, days = random.Random(23), [OPEN - timedelta(days=n) for n in range(352, 0, -1)]
    opens = [day for day in days if day.weekday() < 5][-252:]
    bars = [bar(source, "1m", day + timedelta(minutes=m)) for day in opens for m in range(390)]
    when = "rsi(14) < 20 and close > sma(200) and volume > 1.6 * mean(volume, 20)"
    return previewed("when_preview_of_a_year_of_minutes", bars, when, PREVIEW_SECONDS)


def result(count: int, mine: list[float], one: float) -> dict[str, Any]:
    """Return the result for `count` rules beside that for one rule."""
    ratio = median(mine) / one
    made = timed(f"when_cpu_per_tick_{count or 'no'}_rules", "µs CPU a tick", mine)
    made |= {"baseline": f"{one:.1f}, one rule", "ratio": round(ratio, 2)}
    if count == 10:
        made |= {"target": f"at most {TARGET} times one", "holds": ratio <= TARGET}
    return made
