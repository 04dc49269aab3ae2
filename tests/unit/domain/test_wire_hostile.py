"""Hostile payloads: none raises, and every byte of them is stored somewhere."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import bootstrap, handlers
from chalicelib.bootstrap import Services
from chalicelib.domain.payloads import MAX_DEPTH
from chalicelib.domain.wire import Decoded, decode
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import LambdaContext, instant, kinesis_event, payload, sqs_event, wire

GOOD = b'{"symbol":"AAPL","price":1,"timestamp":"2026-11-20T15:30:00.000000Z"}'
LATIN = b'{"symbol":"\xc9NGI.PA","price":14.2}'
DEEP = b'{"symbol":"A","price":1,"x":' + b"[" * 2000 + b"]" * 2000 + b"}"
EARLY = b'{"symbol":"TSLA","price":1,"timestamp":"0001-01-01T00:00:00+14:00"}'
LATE = b'{"symbol":"TSLA","price":1,"timestamp":"9999-12-31T23:59:59-14:00"}'


def reasons(decoded: Decoded) -> list[str]:
    return [rejected.reason for rejected in decoded.rejected]


@pytest.mark.parametrize("data", [EARLY, LATE])
def test_an_instant_outside_the_calendar_is_rejected_by_its_field(data: bytes) -> None:
    decoded = decode(data, instant())
    assert not decoded.ticks
    assert reasons(decoded)[0].startswith("timestamp: ")


def test_a_line_that_is_not_utf_8_is_rejected_with_the_place() -> None:
    decoded = decode(LATIN, instant())
    assert reasons(decoded) == ["not UTF-8: invalid continuation byte (byte 11)"]
    assert decoded.rejected[0].payload == LATIN


def test_a_latin_1_byte_in_an_ignored_field_is_rejected_and_kept_in_quarantine() -> None:
    data = GOOD[:-1] + b',"name":"Nestl\xe9"}'
    decoded = decode(data, instant())
    assert (decoded.ticks, decoded.lines) == ((), ())
    assert [rejected.payload for rejected in decoded.rejected] == [data]


@pytest.mark.parametrize("bad", [LATIN, DEEP])
def test_the_other_items_of_an_array_with_an_unreadable_one_are_stored_and_archived(
    bad: bytes,
) -> None:
    data = b"[" + bad + b", " + GOOD + b"]"
    decoded = decode(data, instant())
    assert [tick.symbol for tick in decoded.ticks] == ["AAPL"]
    assert [line.line for line in decoded.lines] == [GOOD]
    assert [rejected.payload for rejected in decoded.rejected] == [data]


@pytest.mark.parametrize("data", [DEEP, b"[" * 100_000, b'{"a":' * 100_000, b"[" * 2000 + b"\n"])
def test_deep_nesting_is_rejected(data: bytes) -> None:
    assert reasons(decode(data, instant())) == [f"nested deeper than {MAX_DEPTH}"]


def test_nesting_up_to_the_limit_is_read_and_brackets_in_texts_do_not_count() -> None:
    inner = b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1)
    data = GOOD[:-1] + b',"x":' + inner + b',"y":"' + b"[{" * 100 + b'\\""}'
    assert len(decode(data, instant()).ticks) == 1
    assert len(decode(b"[" + b",".join([GOOD] * 200) + b"]", instant()).ticks) == 200


def test_a_megabyte_of_escaped_quotes_is_read_in_one_pass() -> None:
    decoded = decode(b"[" * 70 + b'\\"' * 500_000, instant())
    assert reasons(decoded) == [f"nested deeper than {MAX_DEPTH}"]


def test_quarantine_keeps_a_value_that_spans_lines_byte_for_byte() -> None:
    data = b'{\n  "symbol": "AAPL",\r\n  "price": 0\n}\n'
    decoded = decode(data, instant())
    assert [rejected.payload for rejected in decoded.rejected] == [data]


def test_a_week_date_is_stored_in_the_one_form() -> None:
    (tick,) = decode(GOOD.replace(b"2026-11-20", b"2026-W47-5"), instant()).ticks
    assert tick.timestamp == "2026-11-20T15:30:00.000000Z"


def test_a_bare_carriage_return_keeps_the_line_and_its_tick_gets_a_reading() -> None:
    data = GOOD.replace(b",", b",\r")
    decoded = decode(data, instant())
    assert [line.line for line in decoded.lines] == [data]
    assert decoded.misread == (("AAPL", "2026-11-20T15:30:00.000000Z"),)


def test_readings_refuse_the_parts_of_a_bad_line_with_a_carriage_return() -> None:
    decoded = decode(b"[[\r" + GOOD + b"\r]]", instant())
    assert not decoded.ticks
    assert len(decoded.lines) == 1
    assert [identity[0] for identity in decoded.misread] == ["AAPL"]


def test_lines_split_by_a_carriage_return_are_kept_only_in_quarantine() -> None:
    data = GOOD + b"\r" + GOOD.replace(b"AAPL", b"MSFT")
    decoded = decode(data, instant())
    assert [rejected.payload for rejected in decoded.rejected] == [data]
    assert (decoded.ticks, decoded.lines, decoded.misread) == ((), (), ())


def _kinesis(records: list[bytes]) -> Any:
    return handlers.ingest_kinesis(kinesis_event(records), LambdaContext())


def _sqs(records: list[bytes]) -> Any:
    return handlers.ingest_sqs(sqs_event(records), LambdaContext())


@pytest.mark.parametrize(
    ("handler", "poison"),
    [(_sqs, EARLY), (_kinesis, EARLY), (_kinesis, LATIN), (_kinesis, DEEP)],
)
def test_a_poison_record_fails_nothing_and_all_else_of_its_batch_is_stored(
    monkeypatch: pytest.MonkeyPatch, handler: Callable[[list[bytes]], Any], poison: bytes
) -> None:
    aws = Aws()
    services = Services(SETTINGS, lambda: instant(100), aws)
    monkeypatch.setattr(bootstrap, "get_services", lambda: services)
    good = [payload(wire(100 + n, n)) for n in range(9)]
    assert handler([*good[:4], poison, *good[4:]]) == {"batchItemFailures": []}
    assert len(aws.tables["prices"].items) == 9
    assert sum(key.startswith("quarantine/") for _, key in aws.objects) == 1


BASE = (
    GOOD[:-1] + b',"volume":10,"mode":"live","currency":"USD"}',
    b"[" + GOOD + b"," + GOOD.replace(b"AAPL", b"B") + b"]",
    GOOD + b"\n" + b'{"symbol":"B","price":2,"bar":"1d","open":1,"high":2,"low":1,'
    b'"timestamp":"2026-11-20T00:00:00Z"}',
)
INSERTED = (b"\xff", b"\xe9", b"\r", b"\n", b"\x00", b"1e9999", b"[" * 90, b"-14:00", b"W", b"\\")


def mutated(draw: random.Random) -> bytes:
    data = bytearray(draw.choice(BASE))
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data) + 1)
        kind = draw.randrange(4)
        if kind == 0:
            data[at : at + 1] = bytes([draw.randrange(256)])
        elif kind == 1:
            del data[at : at + draw.randint(1, 4)]
        elif kind == 2:
            data[at:at] = draw.choice(INSERTED)
        else:
            data[at:at] = bytes(
                draw.choice(b'0123456789eE+-.\\u"{}[],:\n\r\xff ') for _ in range(2)
            )
    return bytes(data)


def bare(data: bytes) -> bytes:
    """Without the white space that a value which spans lines loses."""
    return data.translate(None, b" \t\r\n")


@pytest.mark.parametrize("payloads", [3_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_no_bytes_make_decode_raise_and_all_of_them_are_kept(payloads: int) -> None:
    draw = random.Random(4)
    for _ in range(payloads):
        data = mutated(draw)
        decoded = decode(data, instant())
        kept = bare(b"".join(line.line for line in decoded.lines))
        whole = [rejected.payload for rejected in decoded.rejected]
        lines = [bare(line) for line in data.split(b"\n")]
        lost = [line for line in lines if line not in kept and line not in map(bare, whole)]
        assert not lost or bare(data) in map(bare, whole) or bare(data) == kept, data
