"""Runs the collector for a minute at a time, while it holds the lease, and publishes its status."""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from chalicelib.domain.metric_lines import embedded
from chalicelib.domain.times import to_text
from producer.collector import tenure
from producer.collector.clocks import Clocks
from producer.collector.engine import Engine
from producer.collector.lease import Held, Lease, Taken
from producer.collector.tenure import LEAST_SECONDS, Tenure, polling_seconds
from producer.errors import ProducerError, StoreError
from producer.hours import MarketHours
from producer.publishing import Publisher, Put
from producer.sinks import aws
from producer.status import Status

COMMAND = "collector"
HANDOVER_SECONDS = 19.0
"""A run waits up to this long for a lease to expire, such as one that a killed run has left."""

QUIET_SECONDS = 300.0
"""A run is silent if no tick has come for this long: longer than the usual gaps between trades of
thinly traded shares."""

_LOOK_SECONDS = 1.0
"""Seconds between two reads of a lease that the run waits for."""


class Context(Protocol):
    """The context that Lambda passes with the event."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda stops the function."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The function's result.

    `busy`: another run holds the lease. `late`: the event's minute is over, or too little of it is
    left to poll. Ticks and bars are those that the sink acknowledged in this run.
    """

    busy: bool = False
    late: bool = False
    state: str = ""
    ticks: int = 0
    bars: int = 0
    symbols: int = 0


class Collector:
    """Runs the collector in one container, one run after the other.

    `tenure` measures a run's time. `interval` is the seconds between polls of a symbol. `connect`
    returns the function that writes the status. `out` receives the lines of metrics.
    """

    def __init__(
        self,
        *,
        stage: str,
        lease: Lease,
        tenure: Tenure,
        engine: Engine,
        hours: MarketHours,
        interval: float,
        status: Status,
        connect: Callable[[], Put],
        out: Callable[[str], None],
        clocks: Clocks,
    ) -> None:
        self.status = status
        self._stage = stage
        self._lease = lease
        self._tenure = tenure
        self._engine = engine
        self._hours = hours
        self._connect = connect
        self._out = out
        self._clocks = clocks
        self._collected_until = clocks.now()
        self._quiet_seconds = max(QUIET_SECONDS, interval)
        self._ticked_at = -math.inf
        self._stop = threading.Event()
        self._has_stopped = False

    def stop(self) -> None:
        """End the current run and start no other. Called when the process has to stop."""
        self._has_stopped = True
        self._stop.set()

    def run(self, event: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """Collect until the event's minute is over.

        Raises StoreError if the table does not answer, and SinkRefused if the sink refuses for
        good. Raises UsageError if the function's timeout is too short.
        """
        self._clocks.steady.resume(self._clocks.now())
        try:
            answer: dict[str, Any] = msgspec.to_builtins(self._answered(event, context))
            return answer
        finally:
            self._clocks.steady.leave(self._clocks.now())

    def _answered(self, event: Mapping[str, Any], context: Context) -> Answer:
        remaining = context.get_remaining_time_in_millis() / 1000
        seconds = polling_seconds(event, self._clocks.now(), remaining)
        self._stop = threading.Event()
        if self._has_stopped:
            return Answer(late=True)
        if seconds < LEAST_SECONDS:
            return self._late(seconds, context)
        self._tenure.begin(seconds)
        with _telling("the collector's lease"):
            taken = self._take(f"{context.aws_request_id}-{uuid.uuid4().hex[:8]}")
        if isinstance(taken, Held):
            return self._busy(taken, context)
        self._note_broken(taken.before)
        self._tenure.hold(taken)
        self._collected_until = taken.ours.collected
        try:
            return self._collected(taken, context)
        finally:
            self._release(taken)

    def _late(self, seconds: float, context: Context) -> Answer:
        self.status.note(
            f"started too late: its minute leaves {max(0.0, seconds):.1f} s to poll, and "
            f"{LEAST_SECONDS:g} s are needed; this run collects nothing"
        )
        self._count({"CollectorLateRuns": 1}, context)
        return Answer(late=True)

    def _busy(self, held: Held, context: Context) -> Answer:
        self._note_broken(held)
        self.status.note(f"another run sends until {to_text(held.until)} at the latest")
        counts = {"CollectorBusyRuns": 1, "CollectorBrokenFields": len(held.broken)}
        self._count(counts, context)
        return Answer(busy=True)

    def _note_broken(self, held: Held | None) -> None:
        if held is not None and held.broken:
            names = ", ".join(held.broken)
            self.status.problem(f"the collector's lease cannot be read: {names}")

    def _take(self, owner: str) -> Taken | Held:
        """Acquire the lease. If another run's lease ends soon, wait for that; else return it."""
        taken = self._try(owner)
        if isinstance(taken, Held) and (wait := self._held_seconds(taken)) <= HANDOVER_SECONDS:
            self.status.note(f"waiting up to {wait:.0f} s for the lease of an earlier run")
        while isinstance(taken, Held) and self._may_wait(taken):
            self._clocks.sleep(_LOOK_SECONDS)
            taken = self._try(owner)
        return taken

    def _may_wait(self, held: Held) -> bool:
        is_short = self._held_seconds(held) <= HANDOVER_SECONDS
        is_early = self._tenure.left() > _LOOK_SECONDS + LEAST_SECONDS
        return is_short and is_early and not self._has_stopped

    def _held_seconds(self, held: Held) -> float:
        return self._lease.seconds_held(held, self._clocks.now())

    def _try(self, owner: str) -> Taken | Held:
        now = self._clocks.now()
        until = now + timedelta(seconds=max(0.0, self._tenure.left()) + tenure.LINGER_SECONDS)
        return self._lease.take(owner, now, until)

    def _collected(self, taken: Taken, context: Context) -> Answer:
        status, begun = self.status, self._clocks.now()
        ticks, bars = status.sent_ticks, status.sent_bars
        with (
            self._published(),
            _telling("the collector's memory"),
            self._clocks.after(self._tenure.left(), self._stop.set),
        ):
            self._collected_until = self._engine.run(taken, self._stop)
        answer = Answer(
            state=status.state,
            ticks=status.sent_ticks - ticks,
            bars=status.sent_bars - bars,
            symbols=len(self._engine.followed),
        )
        broken = len(taken.before.broken) if taken.before is not None else 0
        self._count(self._counts(answer, begun, broken), context, state=answer.state)
        return answer

    @contextmanager
    def _published(self) -> Iterator[None]:
        """Publish the status while the context lasts, and once more at its end."""
        publisher = Publisher(COMMAND, self.status, self._connect, self._clocks.now)
        publisher.start()
        try:
            yield
        except ProducerError as error:
            self.status.problem(str(error), error)
            raise
        finally:
            if self._has_stopped:
                self.status.say("ended")
            publisher.end()

    def _counts(self, answer: Answer, begun: datetime, broken: int) -> dict[str, int]:
        followed = self._engine.followed
        expected = self._hours.gives_prices(followed, begun)
        is_throttled = self._engine.is_throttled and self._is_any_open(followed, begun)
        if answer.ticks:
            self._ticked_at = self._clocks.steady()
        is_quiet = self._clocks.steady() - self._ticked_at >= self._quiet_seconds
        return {
            "CollectorRuns": 1,
            "CollectorTicks": answer.ticks,
            "CollectorSilentRuns": int(expected and is_quiet and not is_throttled),
            "CollectorThrottledRuns": int(is_throttled),
            "CollectorBrokenFields": broken + len(self._engine.broken),
            "CollectorInvalidSymbols": len(self._engine.invalid),
        }

    def _is_any_open(self, symbols: Sequence[str], instant: datetime) -> bool:
        """Return whether any symbol's exchange is open. A refusal by the source must not count
        while all are closed: no request can then show that the source answers again."""
        return any(self._hours.is_open(symbol, instant) for symbol in symbols)

    def _count(self, counts: Mapping[str, int], context: Context, **properties: str) -> None:
        """Write the non-zero counts as one line of metrics. The field `event` marks that line."""
        counted = {name: value for name, value in counts.items() if value}
        properties |= {"event": "metrics", "request_id": context.aws_request_id}
        self._out(embedded(COMMAND, self._stage, counted, self._clocks.now(), **properties))

    def _release(self, taken: Taken) -> None:
        """Release the lease. If that fails, or a request is in flight, the lease is left to
        expire."""
        if not self._engine.is_settled:
            return
        try:
            with _telling("the collector's lease"):
                self._lease.release(taken, self._clocks.now(), self._collected_until)
        except StoreError as error:
            self.status.problem(str(error), error)


@contextmanager
def _telling(what: str) -> Iterator[None]:
    """Convert an AWS error to StoreError. `what` says what could not be read or written."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StoreError(f"{what}: {aws.why(error)}") from error
