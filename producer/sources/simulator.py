"""The simulator: fictional companies that trade round the clock, with history.

A session is a UTC day. Prices depend only on seed, symbol and instant (`simulated_path`). So a
restart continues where the last run ended.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal

from chalicelib.domain.times import from_epoch_seconds, to_text
from producer.sources.resumable import Known
from producer.sources.simulated_path import DAY_SECONDS, MINUTES, SimulatedPath
from producer.watchlist import FixedList, Watchlist
from producer.wire import Bar, WireTick

SYMBOLS = (
    "ARBORO", "BRISKO", "CINDRA", "DELVOR", "EMBERO", "FJORDA", "GRANIT", "HELIOQ", "INDIGA",
    "JUNIPR", "KESTRA", "LUMENO", "MERIDO", "NIMBUQ", "OPALIN", "PYRITA", "QUARZO", "RIVETA",
    "SOLVEN", "TUNDRO", "UMBRIX", "VELORA", "WILLOQ", "XENONA", "ZEPHYA",
)  # fmt: skip
"""Fictional tickers; none is listed anywhere, as far as we know."""

HISTORY_MINUTES = 400
HISTORY_BARS_PER_SECOND = 500
"""History shares the stream with live ticks, which wait behind it, so it is limited to the rate
that a small consumer can store."""
HISTORY_DAYS = 400
DEFAULT_INTERVAL_SECONDS = 2.0


class Simulator:
    """Yields ticks of all symbols every `interval` seconds, after their history.

    Live ticks have mode `live`. History has mode `backfill` and comes as bars: the first symbol's
    minutes, the others' minutes, then all symbols' days. The minute in progress at the start is
    left to live ticks. A symbol's first tick before its history is complete has mode `backfill`
    too. So moves from before the start are not sent as alerts.
    """

    name = "simulator"
    recorded = False
    needs_hygiene = False

    def __init__(
        self,
        watchlist: Watchlist | None = None,
        *,
        seed: int = 1,
        interval: float = DEFAULT_INTERVAL_SECONDS,
        history: bool = True,
        say: Callable[[str, float | None], None] = lambda _state, _progress: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._watchlist = watchlist or FixedList(SYMBOLS)
        self._seed = seed
        self._paths: dict[str, SimulatedPath] = {}
        self._with_history: set[str] = set()
        self._given: set[tuple[str, int]] = set()
        self._begun: set[str] = set()
        self._interval = interval
        self._history = history
        self._say = say
        self._now = now
        self.drops = self._watchlist.drops
        self.refuses = self._watchlist.refuses
        self.followed: Sequence[str] = ()

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        """Yield history in batches of one symbol, with the due live ticks between them; then live
        ticks."""
        due = self._now()
        while not stop.is_set():
            for bars in self._histories(self._without_history(), self._now()):
                yield bars
                if stop.is_set():
                    return
                if self._now() >= due:
                    yield self._present(self._now())
                    due += self._interval
                if stop.wait(len(bars) / HISTORY_BARS_PER_SECOND):
                    return
            self._say("live", None)
            if stop.wait(max(0.0, due - self._now())):
                return
            now = self._now()
            yield self._present(now)
            due = max(due + self._interval, now)

    def poll(self, instant: float) -> list[WireTick]:
        """Return a tick of each symbol at an instant, given in epoch seconds."""
        return [_tick(symbol, self._path(symbol), instant) for symbol in self._symbols()]

    def _present(self, now: float) -> list[WireTick]:
        """Return a tick of each symbol. A symbol's first tick counts as history if the symbol's
        history is not complete yet."""
        ticks = self.poll(now)
        for tick in ticks:
            if self._history and tick.symbol not in self._with_history | self._begun:
                tick.mode = "backfill"
        self._begun.update(tick.symbol for tick in ticks)
        return ticks

    def _symbols(self) -> Sequence[str]:
        symbols = list(self._watchlist.symbols())
        if symbols != self.followed:
            self.followed = symbols
            self.forget(self.drops)
        return symbols

    def _path(self, symbol: str) -> SimulatedPath:
        if symbol not in self._paths:
            self._paths[symbol] = SimulatedPath(self._seed, symbol)
        return self._paths[symbol]

    @property
    def known(self) -> Known:
        """Return the state that another process needs to continue."""
        return Known(with_history=tuple(sorted(self._with_history)))

    def recall(self, known: Known) -> None:
        """Replace the simulator's state by that of another process."""
        self._with_history = set(known.with_history)
        self._given.clear()

    def doubt(self, symbols: Iterable[str]) -> None:
        """Do nothing, since all ticks of the simulator pass."""

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Drop the state of each symbol for which `drops` returns true. A symbol that is followed
        again gets its history again."""
        self._with_history -= {name for name in self._with_history if drops(name)}
        self._given -= {(name, kind) for name, kind in self._given if drops(name)}
        self._begun -= {name for name in self._begun if drops(name)}

    def _without_history(self) -> list[str]:
        """Return the symbols whose history is not complete yet."""
        if not self._history:
            return []
        return [name for name in self._symbols() if name not in self._with_history]

    def _histories(self, symbols: Sequence[str], until: float) -> Iterator[Sequence[WireTick]]:
        """Yield the rest of the symbols' history: first all symbols' minutes, then all symbols'
        days."""
        kinds = ((minute_bars, HISTORY_MINUTES), (day_bars, HISTORY_DAYS))
        given, total = 0, len(symbols) * (HISTORY_MINUTES + HISTORY_DAYS)
        for kind, (make, count) in enumerate(kinds):
            for symbol in symbols:
                self._say("sending history", given / total)
                given += count
                if (symbol, kind) in self._given:
                    continue
                self._given.add((symbol, kind))
                yield make(symbol, self._path(symbol), until, count)
        self._with_history.update(symbols)
        self._given.clear()


def minute_bars(symbol: str, path: SimulatedPath, until: float, count: int) -> list[WireTick]:
    """Return the last `count` complete minute bars before an instant."""
    last = int(until // 60)
    return [_minute_bar(symbol, path, minute) for minute in range(last - count, last)]


def day_bars(symbol: str, path: SimulatedPath, until: float, count: int) -> list[WireTick]:
    """Return the last `count` complete daily bars before an instant."""
    today = int(until // DAY_SECONDS)
    return [_day_bar(symbol, path, day) for day in range(today - count, today)]


def _minute_bar(symbol: str, path: SimulatedPath, number: int) -> WireTick:
    day, minute = divmod(number, MINUTES)
    made = path.minutes(day)
    logs = (made.knots[minute], made.highs[minute], made.lows[minute], made.knots[minute + 1])
    volume = made.volumes[minute + 1] - made.volumes[minute]
    return _bar(symbol, "1m", number * 60, logs, volume)


def _day_bar(symbol: str, path: SimulatedPath, number: int) -> WireTick:
    day = path.day(number)
    logs = (day.open, day.high, day.low, day.close)
    return _bar(symbol, "1d", number * DAY_SECONDS, logs, day.volume)


def _bar(
    symbol: str, bar: Bar, start: int, logs: tuple[float, float, float, float], volume: int
) -> WireTick:
    opened, high, low, close = map(_price, logs)
    return WireTick(
        symbol=symbol,
        timestamp=to_text(from_epoch_seconds(start)),
        price=close,
        open=opened,
        high=high,
        low=low,
        volume=Decimal(volume),
        currency="USD",
        exchange_timezone="UTC",
        source=Simulator.name,
        mode="backfill",
        bar=bar,
    )


def _tick(symbol: str, path: SimulatedPath, instant: float) -> WireTick:
    day, price, high, low, volume = path.session_at(instant)
    return WireTick(
        symbol=symbol,
        timestamp=to_text(from_epoch_seconds(instant)),
        price=_price(price),
        open=_price(day.open),
        high=_price(high),
        low=_price(low),
        previous_close=_price(day.previous_close),
        volume=Decimal(volume),
        currency="USD",
        exchange_timezone="UTC",
        market_state="REGULAR",
        source=Simulator.name,
        mode="live",
    )


def _price(log: float) -> Decimal:
    """Convert a log price to a price in whole cents."""
    return Decimal(round(math.exp(log) * 100)).scaleb(-2)
