"""The readings of a batch, besides its lines."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from chalicelib.domain.readings import PLAIN_ZONES, Reading
from chalicelib.domain.ticks import Tick
from chalicelib.domain.wire import decode
from chalicelib.services.ingest.plan import Incoming, plan_readings, read_all, without
from chalicelib.services.lake.lake_sql import FOLDER

NOW = datetime(2026, 11, 20, 15, 31, tzinfo=UTC)
STAMP = "2026-11-20T15:30:00.000000Z"
PLAIN = {
    "symbol": "AAPL",
    "timestamp": STAMP,
    "price": 189.84,
    "open": 188,
    "volume": 1234567,
    "currency": "USD",
    "exchange_timezone": "America/New_York",
    "mode": "live",
    "sent_at": "2026-11-20T15:30:01.004000Z",
}


def told(*records: object) -> list[Reading]:
    """The readings of a batch of records: bytes as they are, anything else as JSON."""
    incoming = [
        Incoming(
            str(n), "shard", str(n), NOW, r if isinstance(r, bytes) else msgspec.json.encode(r)
        )
        for n, r in enumerate(records)
    ]
    return plan_readings(read_all(incoming))


def _bytes(record: object) -> bytes:
    return record if isinstance(record, bytes) else msgspec.json.encode(record)


def test_plain_lines_need_no_reading() -> None:
    other = {**PLAIN, "symbol": "msft", "price": 1, "exchange_timezone": "Asia/Tokyo"}
    assert told(PLAIN, PLAIN, other, {**PLAIN, "symbol": "EURUSD=X"}) == []


@pytest.mark.parametrize(
    "line",
    [
        b'{"symbol":"A","timestamp":"2026-11-20T15:30:00.000000Z","price":1e2}',
        b'{"symbol":"A","timestamp":"2026-11-20T15:30:00.000000Z","price":5E-1}',
        b'{"symbol":"A","timestamp":"2026-11-20T15:30:00.000000Z","price":"1.5"}',
        b'{"symbol":"A","timestamp":"2026-11-20T15:30:00.000000Z","price":1.0000000049}',
        b'{"symbol":"A","timestamp":"2026-11-20T15:30:00.000000Z","price":1,"volume":-0}',
        b'{"symbol":"\\u0041","timestamp":"2026-11-20T15:30:00.000000Z","price":1}',
        '{"symbol":"\u017f","timestamp":"2026-11-20T15:30:00.000000Z","price":1}'.encode(),
        b'{"symbol":"A","timestamp":"2026-11-20T15:30:00Z","price":1}',
        b'{"symbol":"A","timestamp":"2026-11-20T16:30:00+01:00","price":1}',
        b'{"symbol":"A","price":1}',
        b'[{"symbol":"A","timestamp":"2026-11-20T15:30:00.000000Z","price":1}]',
        b'[{"symbol":"A","timestamp":"2026-11-20T15:30:00.000000Z","price":1}, 5]',
        b'{"symbol":"A","timestamp":"2026-11-20T15:30:00.000000Z","price":1,"exchange_timezone":"X"}',
        b'{"symbol" : "A", "timestamp":"2026-11-20T15:30:00.000000Z", "price" : 1.5e2}',
        b'{"symbol":"A","timestamp":"2026-11-20T15:30:00.000000Z","price"\t:1.123456785}',
        b'{"symbol":"A","timestamp":"2026-11-20T15:30:00.000000Z","price":100,"price":101}',
        b'{"symbol":"A","timestamp":"2026-11-20T15:30:00.000000Z","price":1,"id":1, "id": 2}',
    ],
)
def test_a_tick_that_sql_cannot_read_gets_a_complete_reading(line: bytes) -> None:
    tick = decode(line, NOW).ticks[0]
    assert told(line) == [Reading((tick.symbol, tick.timestamp), tick)]


def test_a_reading_is_text_with_the_day_of_its_session() -> None:
    (reading,) = told({**PLAIN, "price": "0.00000001", "exchange_timezone": "Pacific/Auckland"})
    row = reading.row()
    assert row["price"] == "0.00000001"
    assert row["volume"] == "1234567"
    assert row["session_date"] == "2026-11-21"
    assert all(isinstance(value, str) for value in row.values())


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": 0},
        {"price": None},
        {"currency": 5},
        {"symbol": 5},
        {"mode": "lively"},
        {"timestamp": "2026-11-20T15:36:01.000000Z"},
        {"timestamp": "2026-13-20T15:36:01.000000Z"},
    ],
)
def test_a_refused_line_that_sql_could_read_as_a_tick_gets_a_reading(
    wrong: dict[str, object],
) -> None:
    record = {**PLAIN, **wrong}
    expected = (str(record["symbol"]), str(record["timestamp"]))
    assert told(record) == [Reading(expected, None)]
    assert Reading(expected, None).row()["refused"]


@pytest.mark.parametrize("junk", [b"junk", b"5", b'{"symbol":"A"}', b"\xff", b"[5]"])
def test_a_refused_line_that_sql_cannot_read_gets_no_reading(junk: bytes) -> None:
    assert told(junk) == []


@pytest.mark.parametrize(
    "line",
    [
        b"{'symbol':'A','timestamp':'2026-11-20T15:30:00.000000Z','price':1}",
        b'{"symbol":"A","timestamp":"2026-11-20T15:30:00.000000Z","price":1,}',
        b'{"symbol":"A","timestamp":"2026-11-20T15:30:00.000000Z","price":0100.5}',
        b'{symbol:"A",timestamp:"2026-11-20T15:30:00.000000Z",price:1}',
        b'{"symbol"="A";"timestamp"="2026-11-20T15:30:00.000000Z";"price"=1}',
    ],
)
def test_a_line_that_is_not_json_is_kept_only_in_quarantine(line: bytes) -> None:
    """Athena's reader, which is more lenient, would take it for a tick that ingest refused."""
    decoded = decode(line, NOW)
    assert [rejected.payload for rejected in decoded.rejected] == [line]
    assert (decoded.ticks, decoded.lines, decoded.misread) == ((), (), ())


def test_the_last_of_contradicting_copies_gets_the_reading() -> None:
    (reading,) = told(PLAIN, {**PLAIN, "price": 7}, {**PLAIN, "price": 0})
    assert isinstance(reading.item, Tick)
    assert reading.item.price == Decimal(7)


def test_a_tick_of_a_foreign_source_gets_a_reading_as_refused() -> None:
    (read,) = read_all([Incoming("1", "shard", "1", NOW, msgspec.json.encode(PLAIN))])
    refused = without(read, lambda _: "source: not of this series")
    assert plan_readings([refused]) == [Reading(("AAPL", STAMP), None)]


def test_the_statement_knows_the_same_time_zones() -> None:
    statement = (FOLDER / "raw_ticks.sql").read_text()
    assert {zone for zone in PLAIN_ZONES if f"'{zone}'" not in statement} == set()


BAR = {
    "symbol": "aapl",
    "bar": "1d",
    "timestamp": "2026-11-19T00:00:00Z",
    "open": 188,
    "high": 190.1,
    "low": 187.5,
    "price": 189.84,
    "volume": 5,
}


def test_plain_bars_need_no_reading() -> None:
    assert told(BAR, BAR, {**BAR, "bar": "1h", "timestamp": STAMP}, PLAIN) == []


@pytest.mark.parametrize(
    "record",
    [
        {**BAR, "timestamp": "2026-11-19T00:00:00+00:00"},
        {**BAR, "price": "189.84"},
        [BAR, PLAIN],
    ],
)
def test_a_bar_that_sql_cannot_read_gets_a_complete_reading(record: object) -> None:
    rows = [reading.row() for reading in told(record)]
    assert {
        "symbol": "AAPL", "bar": "1d", "timestamp": "2026-11-19T00:00:00.000000Z",
        "open": "188", "high": "190.1", "low": "187.5", "price": "189.84", "volume": "5",
        "source": "unknown",
    } in rows  # fmt: skip


@pytest.mark.parametrize("wrong", [{"high": 1}, {"currency": 5}, {"bar": "7m"}, {"price": 0}])
def test_a_refused_bar_gets_a_reading_as_a_bar(wrong: dict[str, object]) -> None:
    bar = {**BAR, **wrong}
    start = "2026-11-19T00:00:00.000000Z"
    (reading,) = told(bar)
    assert reading == Reading(("AAPL", start, str(bar["bar"])), None)
    assert reading.row() == {
        "symbol": "AAPL", "timestamp": start, "bar": bar["bar"], "refused": "yes"
    }  # fmt: skip


def test_the_last_of_contradicting_bars_gets_the_reading() -> None:
    (reading,) = told(BAR, {**BAR, "price": 189.85})
    assert reading.row()["price"] == "189.85"


def test_a_bar_of_a_foreign_source_gets_a_reading_as_refused() -> None:
    (read,) = read_all([Incoming("0", "shard", "0", NOW, msgspec.json.encode(BAR))])
    (reading,) = plan_readings([without(read, lambda item: "foreign")])
    assert reading.row()["refused"] == "yes"
