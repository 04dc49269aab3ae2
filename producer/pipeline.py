"""From source to sink: admit, encode, queue; and an orderly end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import msgspec

from chalicelib.domain.times import to_text
from producer.ordering import Ordering
from producer.outbox import Outbox
from producer.sender import Sender
from producer.sources.base import Source
from producer.status import Status
from producer.wire import Line, WireTick, line_of

Check = Callable[[WireTick], str | None]
"""Why a tick may not pass; None when it may."""


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended: ticks and bars sent, how many are left, and a refusal for good."""

    ticks: int
    bars: int
    left: int
    refusal: str | None


class Pipeline:
    """One source, one sink and what lies between them."""

    def __init__(
        self,
        source: Source,
        outbox: Outbox,
        sender: Sender,
        status: Status,
        *,
        checks: tuple[Check, ...] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._source = source
        self._outbox = outbox
        self._sender = sender
        self._status = status
        self._checks = (*checks, Ordering(recorded=source.recorded).admit)
        self._clock = clock
        status.pending = lambda: outbox.pending

    def run(self, stop: threading.Event, flush_seconds: float) -> Outcome:
        """Until the source ends or `stop` is set; then what waits is sent.

        After `stop` that takes `flush_seconds` at most, what is left then is counted.
        """
        self._sender.start()
        for batch in self._source.batches(stop):
            if self._sender.ended.is_set():
                break
            self._outbox.put(self._lines(batch), stop)
            if stop.is_set():
                break
        self._outbox.close()
        self._flush(stop, flush_seconds)
        refusal, status = self._sender.refusal, self._status
        left = 0 if self._sender.reader_gone else self._outbox.pending
        return Outcome(status.sent_ticks, status.sent_bars, left, str(refusal) if refusal else None)

    def _lines(self, batch: Iterable[WireTick]) -> list[Line]:
        sent_at = to_text(self._clock())
        ticks = [tick for tick in batch if self._admits(tick)]
        for tick in ticks:
            tick.sent_at = sent_at
        self._status.passed(ticks)
        return [line_of(tick) for tick in ticks]

    def _admits(self, tick: WireTick) -> bool:
        for check in self._checks:
            reason = check(tick)
            if reason is not None:
                self._status.drop(reason)
                return False
        return True

    def _flush(self, stop: threading.Event, flush_seconds: float) -> None:
        self._status.say("sending the rest")
        while not (stop.is_set() or self._sender.ended.wait(0.05)):
            pass
        deadline = time.monotonic() + flush_seconds
        while time.monotonic() < deadline and not self._sender.ended.wait(0.05):
            pass
        self._sender.abort()
        self._sender.ended.wait(0.2)
