"""Runs ticks from source to sink: filters, orders, encodes and queues them, and stops in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from chalicelib.domain.times import to_text
from producer.outbox import Outbox
from producer.passing import Passing
from producer.progress import Progress
from producer.sender import Sender
from producer.sources.base import Following, Source
from producer.status import Status
from producer.wire import MOST_LINE_BYTES, Line, WireTick, line_of


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended. It has the ticks and bars sent, the lines left unsent, the sink's permanent
    refusal, and whether a recording was cut short."""

    ticks: int
    bars: int
    left: int
    refusal: str | None
    is_cut: bool = False


class Pipeline:
    """One source, one sink and the steps between them. `progress` is given if there is a spool.

    A caller that runs the same source again later passes `passing`. Then the status keeps the
    source's state at the end of a run; otherwise it becomes "ended".
    """

    def __init__(
        self,
        source: Source,
        outbox: Outbox,
        sender: Sender,
        status: Status,
        *,
        progress: Progress | None = None,
        passing: Passing | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._source = source
        self._outbox = outbox
        self._sender = sender
        self._status = status
        self._progress = progress
        self._goes_on = passing is not None
        latest = progress.latest if progress else None
        self._passing = passing or Passing(source, status.drop, latest, clock)
        self._clock = clock
        self._followed: Sequence[str] = ()
        status.pending = lambda: outbox.pending

    def run(self, stop: threading.Event, drain_seconds: float) -> Outcome:
        """Run until the source ends or `stop` is set, then send the waiting lines.

        After `stop`, sending takes `drain_seconds` at most; the remaining lines are counted. Raises
        the source's errors, SpoolError, and an unexpected error of the sender.
        """
        self._sender.start()
        try:
            is_whole = self._forward_all(stop)
        finally:  # ticks from before a source's failure are sent, too
            self._outbox.close()
            self._drain(stop, drain_seconds)
        if not self._goes_on:
            self._status.say("ended")
        if self._progress is not None and self._outbox.is_drained and not stop.is_set():
            self._progress.ended()
        if self._sender.fault is not None:
            raise self._sender.fault
        refusal, status = self._sender.refusal, self._status
        left = 0 if self._sender.reader_gone else self._outbox.pending
        why = str(refusal) if refusal else None
        is_cut = self._source.recorded and not is_whole
        return Outcome(status.sent_ticks, status.sent_bars, left, why, is_cut)

    def _forward_all(self, stop: threading.Event) -> bool:
        """Pass on the source's batches. Return whether the source was read to its end."""
        for batch in self._source.batches(stop):
            if self._sender.ended.is_set():
                return False
            self._forward(batch, stop)
            if stop.is_set():
                return False
        return not stop.is_set()

    def _forward(self, batch: Sequence[WireTick], stop: threading.Event) -> None:
        self._forget_dropped()
        sent_at = to_text(self._clock())
        ticks = self._passing.of(batch)
        for tick in ticks:
            tick.sent_at = sent_at
        self._status.passed(ticks)
        if self._outbox.is_full and not self._source.recorded:
            self._status.problem(
                f"{self._outbox.pending} lines wait for {self._status.sink} and there is no room "
                "for more: the source waits until some were sent"
            )
        lines = [line for tick in ticks if (line := self._line(tick)) is not None]
        if self._progress is None:
            self._outbox.put(lines, stop)
        else:
            latest = {tick.symbol: tick.timestamp for tick in ticks if tick.is_live}
            self._outbox.put(lines, stop, latest, self._progress.after(len(batch)))

    def _line(self, tick: WireTick) -> Line | None:
        """Encode a tick; return None if its line may be too long for a sink."""
        line = line_of(tick)
        if len(line.payload) <= MOST_LINE_BYTES:
            return line
        self._status.drop("too long")
        return None

    def _forget_dropped(self) -> None:
        """Drop the state of symbols that are no longer followed. A symbol that returns counts as
        new."""
        source = self._source
        if isinstance(source, Following) and source.followed != self._followed:
            self._followed = source.followed
            self._passing.forget(source.drops)

    def _drain(self, stop: threading.Event, drain_seconds: float) -> None:
        if not self._goes_on:
            self._status.say("sending the rest", 1.0)
        while not (stop.is_set() or self._sender.ended.wait(0.05)):
            pass
        deadline = time.monotonic() + drain_seconds
        while time.monotonic() < deadline and not self._sender.ended.wait(0.05):
            pass
        self._sender.abort()
        self._sender.ended.wait(0.2)
