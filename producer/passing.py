"""Filters ticks between source and outbox: those that pass are well formed, clean and in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from chalicelib.domain.times import just_after
from producer.hygiene import Hygiene, PriceAndVolume
from producer.malformed import flaw_of
from producer.source_plans import REASON
from producer.sources.base import Completing, Source, TakingTurns
from producer.wire import WireTick


class Ordering:
    """Tracks each symbol's last timestamp.

    A live tick that is not later than the last is moved to just after it: two trades in one
    millisecond are two ticks. Recorded ticks keep their timestamps. A tick at the last timestamp
    corrects the last tick. If the two are identical, it is dropped as a repeat, since archives hold
    records at least once. Older ticks pass if they are backfilled: they raise no alerts. Historical
    bars and actions are not ordered here.
    """

    def __init__(self, *, recorded: bool, latest: Mapping[str, str] | None = None) -> None:
        self._recorded = recorded
        self.latest: dict[str, str] = dict(latest or {})
        self._last: dict[str, WireTick] = {}

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Drop the state of each symbol for which `drops` returns true."""
        for name in [name for name in self.latest if drops(name)]:
            del self.latest[name]
            self._last.pop(name, None)

    def admit(self, tick: WireTick) -> str | None:
        """Return why the tick is dropped; None if it passes. The tick's timestamp may be moved."""
        if not tick.is_live:
            return None
        last = self.latest.get(tick.symbol, "")
        if tick.timestamp <= last:
            if not self._recorded:
                tick.timestamp = just_after(last)
            elif tick.timestamp < last:
                return None if tick.mode == "backfill" else "out of order"
            elif self._is_repeat(tick):
                return "repeat"
        self.latest[tick.symbol] = tick.timestamp
        if self._recorded:
            self._last[tick.symbol] = tick
        return None

    def _is_repeat(self, tick: WireTick) -> bool:
        """Return whether the tick repeats the last one. A repeat of an earlier run's tick is not
        detected, since sending it again changes nothing."""
        last = self._last.get(tick.symbol)
        return last is not None and tick == replace(last, sent_at=tick.sent_at)


class Passing:
    """Checks the format, the prices and the order of one source's ticks.

    `drop` is called with the reason of each dropped tick. `latest` holds the symbols' last
    timestamps of an earlier run, `sent` price and volume of their last ticks, `suspects` the
    unconfirmed jumps.
    """

    def __init__(
        self,
        source: Source,
        drop: Callable[[str], None],
        latest: Mapping[str, str] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        suspects: Mapping[str, WireTick] | None = None,
        sent: Mapping[str, PriceAndVolume] | None = None,
    ) -> None:
        self._drop = drop
        hygiene = Hygiene(drop, clock, latest, suspects, sent) if source.needs_hygiene else None
        self._hygiene = hygiene
        self._refuses = source.refuses if isinstance(source, TakingTurns) else None
        self._complete = source.complete if isinstance(source, Completing) else None
        self._ordering = Ordering(recorded=source.recorded, latest=latest)

    def of(self, batch: Sequence[WireTick]) -> list[WireTick]:
        """Return the ticks that pass now: ticks of this batch, and earlier suspects that it
        confirms. Their timestamps may have been moved."""
        formed = [tick for tick in batch if self._is_formed(tick)]
        passed = self._clean(formed)
        if self._complete is not None:
            for tick in passed:
                self._complete(tick)
        return [tick for tick in passed if self._is_due(tick) and self._admits(tick)]

    @property
    def suspects(self) -> Mapping[str, WireTick]:
        """Return the jumps that wait to be confirmed, by symbol."""
        return self._hygiene.suspects if self._hygiene is not None else {}

    def has_passed(self, symbol: str) -> bool:
        """Return whether any tick of a symbol has passed the filters, in this run or an earlier
        one."""
        return symbol in self._ordering.latest

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Drop the state of each symbol for which `drops` returns true."""
        self._ordering.forget(drops)
        if self._hygiene is not None:
            self._hygiene.forget(drops)

    def _is_formed(self, tick: WireTick) -> bool:
        flaw = flaw_of(tick)
        if flaw is not None:
            self._drop(flaw)
        return flaw is None

    def _clean(self, batch: Sequence[WireTick]) -> Sequence[WireTick]:
        if self._hygiene is None:
            return batch
        passing = self._hygiene.passing
        return [passed for tick in batch for passed in passing(tick)]

    def _is_due(self, tick: WireTick) -> bool:
        if self._refuses is None or not self._refuses(tick):
            return True
        self._drop(REASON)
        return False

    def _admits(self, tick: WireTick) -> bool:
        reason = self._ordering.admit(tick)
        if reason is not None:
            self._drop(reason)
        return reason is None
