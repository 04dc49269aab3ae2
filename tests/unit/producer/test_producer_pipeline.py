"""The way of a tick through the producer, over a sink in memory."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence

import pytest

from producer.errors import SinkUnavailable, SourceError
from producer.outbox import Outbox
from producer.pipeline import Outcome, Pipeline
from producer.sender import Sender
from producer.status import Status
from producer.wire import WireTick
from tests.patience import PATIENCE_SECONDS
from tests.producer_support.doubles import MemorySink, make_wire_tick


class Given:
    """A source of given batches; ends, fails or waits for the end."""

    name = "given"

    def __init__(
        self,
        *batches: Sequence[WireTick],
        recorded: bool = False,
        needs_hygiene: bool = False,
        failure: Exception | None = None,
        waits: bool = False,
    ) -> None:
        self._batches = batches
        self.recorded = recorded
        self.needs_hygiene = needs_hygiene
        self._failure = failure
        self._waits = waits

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        yield from self._batches
        if self._failure is not None:
            raise self._failure
        if self._waits:
            stop.wait(PATIENCE_SECONDS)


def run(
    source: Given,
    sink: MemorySink,
    stop: threading.Event | None = None,
    flush: float = PATIENCE_SECONDS,
) -> tuple[Outcome, Status]:
    status = Status(lambda _event, _message: None)
    outbox = Outbox(sink.key)
    sender = Sender(outbox, sink, status, random.Random(1))
    pipeline = Pipeline(source, outbox, sender, status)
    return pipeline.run(stop or threading.Event(), flush), status


def test_ticks_arrive_with_the_time_at_which_they_were_sent() -> None:
    sink = MemorySink()
    outcome, _ = run(Given([make_wire_tick("A"), make_wire_tick("B")]), sink)
    assert outcome == Outcome(ticks=2, bars=0, left=0, refusal=None)
    assert all(len(tick["sent_at"]) == 27 for tick in sink.payloads)


def test_live_ticks_of_one_instant_all_arrive_in_strict_order() -> None:
    sink = MemorySink()
    run(Given([make_wire_tick("A"), make_wire_tick("A")], [make_wire_tick("A")]), sink)
    times = [tick["timestamp"] for tick in sink.payloads]
    assert len(set(times)) == 3
    assert times == sorted(times)


def test_recorded_repeats_do_not_arrive() -> None:
    sink = MemorySink()
    _, status = run(Given([make_wire_tick("A"), make_wire_tick("A")], recorded=True), sink)
    assert len(sink.payloads) == 1
    assert status.dropped == {"repeat": 1}


def test_hygiene_is_for_sources_that_need_it() -> None:
    jump = [make_wire_tick("A", 0), make_wire_tick("A", 1, price=make_wire_tick().price * 9)]
    checked, trusted = MemorySink(), MemorySink()
    run(Given(jump, needs_hygiene=True), checked)
    run(Given(jump), trusted)
    assert (len(checked.payloads), len(trusted.payloads)) == (1, 2)


def test_ticks_before_a_sources_failure_are_sent() -> None:
    sink = MemorySink()
    with pytest.raises(SourceError, match="none of the symbols"):
        run(Given([make_wire_tick()], failure=SourceError("knows none of the symbols")), sink)
    assert len(sink.payloads) == 1


def test_stopping_flushes_until_the_deadline_and_counts_the_rest() -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    sink = MemorySink(failures=[SinkUnavailable("away")] * 1000)
    outcome, _ = run(Given([make_wire_tick()], waits=True), sink, stop, flush=0.2)
    assert (outcome.ticks, outcome.left) == (0, 1)


def test_a_fault_of_ours_in_the_sender_is_not_hidden() -> None:
    class Broken(MemorySink):
        def send(self, records: object) -> Sequence[str | None]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Given([make_wire_tick()]), Broken())


@pytest.mark.parametrize("recorded", [True, False])
def test_a_recording_that_was_stopped_before_its_end_is_cut(recorded: bool) -> None:
    stop = threading.Event()
    stop.set()
    outcome, _ = run(Given([make_wire_tick()], recorded=recorded), MemorySink(), stop)
    assert outcome.is_cut is recorded
    outcome, _ = run(Given([make_wire_tick()], recorded=recorded), MemorySink())
    assert outcome.is_cut is False
