"""The sender brings everything to the sink, in order, whatever the sink does."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence

from producer.errors import SinkError, SinkRefused, SinkUnavailable
from producer.outbox import Outbox
from producer.sender import Sender
from producer.status import Status
from tests.patience import PATIENCE_SECONDS
from tests.producer_support.doubles import MemorySink, make_line


def send(sink: MemorySink, symbols: str, count: int) -> tuple[Sender, Status, list[str]]:
    """All of `count` ticks of each symbol through a sender."""
    told: list[str] = []
    status = Status(lambda _event, message: told.append(message))
    outbox = Outbox(sink.key)
    lines = [make_line(name, number) for number in range(count) for name in symbols]
    outbox.put(lines, threading.Event())
    outbox.close()
    sender = Sender(outbox, sink, status, random.Random(3))
    sender.start()
    sender.join(PATIENCE_SECONDS)
    assert not sender.is_alive()
    return sender, status, told


def orders(sink: MemorySink) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for tick in sink.payloads:
        made.setdefault(tick["symbol"], []).append(tick["timestamp"])
    return made


def test_refused_records_hold_back_their_symbol_and_no_other() -> None:
    sink = MemorySink(refusing=0.4)
    _, status, _ = send(sink, "ABC", 20)
    for times in orders(sink).values():
        assert times == sorted(set(times))
        assert len(times) == 20
    assert status.sent_ticks == 60
    assert status.refused_records > 0


def test_a_sink_that_is_away_gets_everything_later() -> None:
    away: Sequence[SinkError | None] = [SinkUnavailable("stream s: connection refused")] * 3
    sink = MemorySink(failures=away)
    _, status, told = send(sink, "AB", 3)
    assert status.sent_ticks == 6
    assert told == ["stream s: connection refused; trying again"]


def test_a_sink_that_never_took_anything_and_refuses_ends_the_sender() -> None:
    refusal = SinkRefused("stream s: there is none of that name")
    sender, status, _ = send(MemorySink(failures=[refusal]), "A", 1)
    assert sender.refusal is refusal
    assert status.sent_ticks == 0


def test_a_refusal_in_the_middle_is_waited_out() -> None:
    sink = MemorySink(failures=[None, SinkRefused("stream s: no permission for now")])
    sender, status, _ = send(sink, "A", 3)
    assert sender.refusal is None
    assert status.sent_ticks == 3
