"""A record's refused parts use memory and space in proportion to its bytes, whatever their
number."""

from __future__ import annotations

import logging

import msgspec
import pytest

from chalicelib.domain import payloads, wire
from chalicelib.domain.wire import decode
from chalicelib.services.ingest import quarantine
from chalicelib.services.ingest.plan import Incoming, read_all
from tests.factories import instant
from tests.fakes import FakeArchive

GOOD = {"symbol": "A", "price": 1}


def priced(count: int) -> list[dict[str, object]]:
    """Ticks with prices that are out of range."""
    return [{"symbol": "A", "price": -number} for number in range(count)]


@pytest.mark.parametrize("good", [[], [GOOD], [GOOD, GOOD]])
def test_a_refused_tick_of_an_array_is_kept_without_its_record(good: list[object]) -> None:
    items = [*good, *priced(300), *good]
    decoded = decode(msgspec.json.encode(items), instant())
    assert [msgspec.json.decode(part.payload) for part in decoded.rejected] == priced(300)
    assert len(decoded.ticks) == 2 * len(good)


def test_an_array_with_spaces_keeps_the_bytes_of_a_refused_tick() -> None:
    record = b'[ {"symbol":"A","price":1} , {"symbol": "A", "price": -1}\r]'
    (part,) = decode(record, instant()).rejected
    assert part.payload == b'{"symbol": "A", "price": -1}'


@pytest.mark.parametrize(
    "record",
    [b"[" + b"1," * 59 + b"1]", b"1\n" * 60, msgspec.json.encode(priced(60))],
    ids=["items", "lines", "ticks"],
)
def test_more_parts_than_are_listed_are_kept_as_their_record(
    record: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MOST_REJECTED", 50)
    *listed, last = decode(record, instant()).rejected
    assert len(listed) == 50
    assert last.payload == record
    assert last.reason == "10 more parts of the record are rejected; this is all of it"


def test_a_record_of_too_many_lines_is_one_refused_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would be a line of the archive: six records took 665 MB."""
    monkeypatch.setattr(payloads, "MOST_LINES", 50)
    fitting = decode(b"1\n" * 49 + msgspec.json.encode(GOOD), instant())
    assert (len(fitting.rejected), len(fitting.ticks), len(fitting.lines)) == (49, 1, 50)
    record = b"1\n" * 50 + msgspec.json.encode(GOOD)
    decoded = decode(record, instant())
    assert [(one.payload, one.reason) for one in decoded.rejected] == [
        (record, "more than 50 lines")
    ]
    assert decoded.lines == decoded.ticks == ()


def test_a_record_may_have_as_many_lines_as_the_shortest_ticks_in_a_megabyte() -> None:
    shortest = msgspec.json.encode(GOOD) + b"\n"
    assert 2**20 // len(shortest) < payloads.MOST_LINES


def test_the_log_names_the_most_frequent_reasons(caplog: pytest.LogCaptureFixture) -> None:
    record = msgspec.json.encode([*priced(300), *priced(2)])
    reads = read_all([Incoming("x", "shard", "1", instant(), record)])
    with caplog.at_level(logging.WARNING, "ticktape.ingest"):
        quarantine.quarantine(FakeArchive(), reads)
    assert len(caplog.messages) == quarantine.MOST_REASONS + 1
    assert all(message.startswith("quarantined 2,") for message in caplog.messages[:2])
    assert caplog.messages[-1] == "quarantined for 200 more reasons"
