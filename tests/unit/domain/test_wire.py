from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.ticks import Tick
from chalicelib.domain.wire import decode
from tests.factories import at, instant, payload, wire

CONTRACT = {
    "symbol": "AAPL",
    "timestamp": "2026-11-20T15:30:00.123456Z",
    "price": 189.84,
    "open": 188.0,
    "high": 190.1,
    "low": 187.5,
    "previous_close": 187.9,
    "volume": 1234567,
    "currency": "USD",
    "exchange_timezone": "America/New_York",
    "market_state": "REGULAR",
    "source": "yfinance",
    "mode": "live",
    "sent_at": "2026-11-20T15:30:01.004000Z",
}


def ticks_of(data: bytes) -> tuple[Tick, ...]:
    decoded = decode(data, instant())
    assert not decoded.rejected
    return decoded.ticks


def lines_of(data: bytes) -> list[bytes]:
    return [archived.line for archived in decode(data, instant()).lines]


def reasons(data: bytes) -> list[str]:
    return [rejected.reason for rejected in decode(data, instant()).rejected]


def test_the_contracts_example_is_read_field_by_field() -> None:
    (tick,) = ticks_of(payload(CONTRACT))
    assert tick == Tick(
        symbol="AAPL",
        timestamp="2026-11-20T15:30:00.123456Z",
        price=Decimal("189.84"),
        open=Decimal(188),
        high=Decimal("190.1"),
        low=Decimal("187.5"),
        previous_close=Decimal("187.9"),
        volume=Decimal(1234567),
        currency="USD",
        exchange_timezone="America/New_York",
        market_state="REGULAR",
        source="yfinance",
        mode="live",
    )


def test_a_split_is_read_as_sent() -> None:
    (tick,) = ticks_of(payload({**CONTRACT, "split": "5:1"}))
    assert tick.split == "5:1"


def test_symbol_and_price_are_enough() -> None:
    (tick,) = ticks_of(b'{"symbol": "aapl", "price": 1}')
    assert (tick.symbol, tick.timestamp, tick.mode) == ("AAPL", at(), "live")
    assert tick.source == "unknown"


def test_prices_keep_the_decimals_that_were_written() -> None:
    (tick,) = ticks_of(b'{"symbol": "A", "price": 0.1}')
    assert tick.price == Decimal("0.1")
    (tick,) = ticks_of(b'{"symbol": "A", "price": "0.30"}')
    assert tick.price == Decimal("0.3")


def test_several_ticks_may_stand_one_to_a_line() -> None:
    ticks = ticks_of(payload(wire(1, 0), wire(2, 1), wire(3, 2)) + b"\n")
    assert [tick.price for tick in ticks] == [1, 2, 3]


def test_an_array_is_as_good_as_lines() -> None:
    data = json.dumps([wire(1, 0), wire(2, 1)]).encode()
    assert [tick.price for tick in ticks_of(data)] == [1, 2]
    assert lines_of(data) == [data]


def test_a_pretty_printed_object_is_one_line_of_the_archive() -> None:
    decoded = decode(json.dumps(wire(1, 0), indent=2).encode(), instant())
    assert len(decoded.ticks) == len(decoded.lines) == 1
    assert b"\n" not in decoded.lines[0].line


def test_the_nth_tick_without_timestamp_comes_n_microseconds_after_the_arrival() -> None:
    data = payload(wire(1, None), wire(2, 30), wire(3, None), wire(4, None))
    stamps = [tick.timestamp for tick in ticks_of(data)]
    assert stamps == [at(), at(30), at(0.000001), at(0.000002)]


def test_each_line_of_the_archive_knows_the_clock_of_its_ticks_without_timestamp() -> None:
    data = payload(wire(1, None), wire(2, 30), wire(3, None), wire(4, None))
    lines = decode(data, instant()).lines
    again = [tick for line in lines for tick in decode(line.line, line.arrival).ticks]
    assert tuple(again) == ticks_of(data)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-11-20T15:30:00Z", "2026-11-20T15:30:00.000000Z"),
        ("2026-11-20T10:30:00.5-05:00", "2026-11-20T15:30:00.500000Z"),
        ("2026-11-20 15:30:00.123+00:00", "2026-11-20T15:30:00.123000Z"),
        ("2026-11-20t15:30:00z", "2026-11-20T15:30:00.000000Z"),
    ],
)
def test_timestamps_are_kept_in_utc_with_six_digits(given: str, kept: str) -> None:
    (tick,) = ticks_of(payload(wire(1, timestamp=given)))
    assert tick.timestamp == kept


@pytest.mark.parametrize(
    "given",
    [
        "2026-11-20T15:30:00",
        "2026-11-20",
        "yesterday",
        "",
        "1969-12-31T23:59:59Z",
        "2026-13-01T00:00:00Z",
        "9999-99-99T99:99:99.999999Z",
    ],
)
def test_an_invalid_timestamp_is_named(given: str) -> None:
    (reason,) = reasons(payload(wire(1, timestamp=given)))
    assert reason.startswith("timestamp: ")


def test_a_timestamp_far_ahead_of_the_stream_is_refused() -> None:
    assert not reasons(payload(wire(1, 300)))
    (reason,) = reasons(payload(wire(1, 301)))
    assert reason.startswith("timestamp: ")
    assert "at most 300 s ahead" in reason


def test_a_timestamp_is_compared_with_the_queues_time_where_the_sender_says_another() -> None:
    data = payload(wire(1, 301))
    assert decode(data, instant(0), taken=instant(1)).ticks
    (rejected,) = decode(data, instant(300), taken=instant(0)).rejected
    assert "at most 300 s ahead" in rejected.reason


@pytest.mark.parametrize("price", [0, -1, 1e12, "NaN", "Infinity", "1e-9"])
def test_a_price_outside_of_its_bounds_is_named(price: object) -> None:
    (reason,) = reasons(payload(wire(price)))
    assert reason.startswith("price: ")


@pytest.mark.parametrize("price", [None, True, "dear", [1], {}])
def test_an_invalid_price_is_named(price: object) -> None:
    (reason,) = reasons(payload(wire(price)))
    assert "price" in reason


@pytest.mark.parametrize("field", ["symbol", "price"])
def test_a_missing_field_is_named(field: str) -> None:
    tick = wire(1)
    del tick[field]
    (reason,) = reasons(payload(tick))
    assert field in reason


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("volume", -1),
        ("volume", 1e18),
        ("open", 0),
        ("high", 1),  # below the low that is given with it
        ("previous_close", "NaN"),
        ("mode", "dream"),
        ("currency", "X" * 65),
        ("source", "a\nb"),
        ("market_state", "\x00"),
        ("bar", "2m"),
        ("split", "5"),
        ("split", "0:1"),
        ("split", "5:1000000"),
    ],
)
def test_any_other_field_out_of_bounds_is_named(field: str, value: object) -> None:
    given: dict[str, Any] = {"low": 2, field: value}
    (reason,) = reasons(payload(wire(5, **given)))
    assert reason.startswith(f"{field}: ")


@pytest.mark.parametrize(
    "data",
    [b"", b"\n\n", b"null", b"[[1]]", b"{", b"\xff\xfe", b'"text"', b"[1, 2]", b"\x00" * 10],
)
def test_invalid_bytes_are_rejected_and_never_raise(data: bytes) -> None:
    decoded = decode(data, instant())
    assert not decoded.ticks
    assert decoded.rejected
    assert all(rejected.reason for rejected in decoded.rejected)


def test_a_bad_line_does_not_touch_its_neighbours() -> None:
    data = payload(wire(1, 0)) + b'\n{"symbol": "AAPL"}\n' + payload(wire(3, 2))
    decoded = decode(data, instant())
    assert [tick.price for tick in decoded.ticks] == [1, 3]
    (rejected,) = decoded.rejected
    assert (rejected.line, rejected.payload) == (1, b'{"symbol": "AAPL"}')


def test_a_bad_item_of_an_array_does_not_touch_its_neighbours() -> None:
    data = json.dumps([wire(1, 0), {"symbol": "AAPL"}, wire(3, 2)]).encode()
    decoded = decode(data, instant())
    assert [tick.price for tick in decoded.ticks] == [1, 3]
    (rejected,) = decoded.rejected
    assert json.loads(rejected.payload) == {"symbol": "AAPL"}


def test_bytes_that_are_not_text_stay_out_of_the_archives_lines() -> None:
    decoded = decode(payload(wire(1)) + b"\n\xff\xfe", instant())
    assert len(decoded.lines) == 1
    assert len(decoded.rejected) == 1


def test_unknown_fields_are_kept_in_the_archive_and_otherwise_ignored() -> None:
    data = payload(wire(1, mood="good"))
    assert ticks_of(data)[0].price == 1
    assert lines_of(data) == [data]


HISTORY: dict[str, Any] = {"bar": "1m", "open": 1, "high": 3, "low": 1, "volume": 7}


def test_a_historical_bar_takes_price_as_its_close() -> None:
    decoded = decode(payload(wire(2, 60, **HISTORY)), instant())
    (bar,) = decoded.bars
    assert not decoded.ticks
    assert (bar.series, bar.start, bar.close, bar.high, bar.volume) == ("AAPL#1m", at(60), 2, 3, 7)
    assert (bar.ticks, bar.closed, bar.folded) == (0, True, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timestamp", at(1)),
        ("timestamp", None),
        ("open", None),
        ("high", None),
        ("low", None),
        ("folded", 0),
    ],
)
def test_a_historical_bar_needs_its_start_and_all_four_prices(field: str, value: object) -> None:
    (reason,) = reasons(payload(wire(2, 60, **{**HISTORY, field: value})))
    assert field in reason


def test_a_historical_day_is_labelled_by_its_date() -> None:
    day: dict[str, Any] = {**HISTORY, "bar": "1d"}
    assert not reasons(payload(wire(2, timestamp="2026-11-19T00:00:00Z", **day)))
    (reason,) = reasons(payload(wire(2, timestamp="2026-11-19T21:00:00Z", **day)))
    assert "1d" in reason
