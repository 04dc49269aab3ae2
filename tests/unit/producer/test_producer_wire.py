"""Numbers and ticks on the wire."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chalicelib.domain.ticks import LABELS, NUMBERS
from chalicelib.domain.wire_fields import WireFields
from producer.errors import UsageError
from producer.wire import WireTick, decimal_of, line_of, symbols_of
from tests.producer_support.doubles import make_wire_tick


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("127.830002", "127.830002"),
        ("63152400.0", "63152400"),
        (0.1 + 0.2, "0.3"),
        (189.84000000000003, "189.84"),
        (0.001, "0.001"),
        (1e22, "10000000000000000000000"),
        ("0.123456785", "0.12345678"),
        (Decimal("1.50"), "1.5"),
    ],
)
def test_numbers_are_plain_decimals_of_at_most_eight_places(given: object, text: str) -> None:
    assert str(decimal_of(given)) == text


@pytest.mark.parametrize("missing", [None, "", float("nan"), float("inf"), "NaN"])
def test_non_finite_values_are_missing(missing: object) -> None:
    assert decimal_of(missing) is None


def test_a_line_has_numbers_not_text_and_no_empty_fields() -> None:
    line = line_of(make_wire_tick(price=Decimal("189.84"), volume=Decimal(7)))
    assert line.payload == (
        b'{"symbol":"AAPL","timestamp":"2026-11-20T15:00:00.000000Z","price":189.84,"volume":7}'
    )


def test_a_line_has_its_fields_in_the_contracts_order() -> None:
    given = {name: Decimal(1) for name in NUMBERS} | dict.fromkeys(LABELS, "x")
    tick = WireTick(
        symbol="AAPL", timestamp="t", mode="live", bar="1d", folded=2, split="2:1", sent_at="u",
        **given,  # type: ignore[arg-type]
    )  # fmt: skip
    assert line_of(tick).payload == (
        b'{"symbol":"AAPL","timestamp":"t","price":1,"open":1,"high":1,"low":1,'
        b'"previous_close":1,"volume":1,"currency":"x","exchange_timezone":"x","market_state":"x",'
        b'"source":"x","mode":"live","bar":"1d","folded":2,"split":"2:1","sent_at":"u"}'
    )


def test_the_producer_sends_the_fields_that_ingest_reads_and_the_time_of_sending() -> None:
    own = ("sent_at", "action", "dividend")  # the last two are never sent
    assert WireTick.__struct_fields__ == (*WireFields.__struct_fields__, *own)


def test_symbols_are_upper_case_and_each_once() -> None:
    assert symbols_of([" aapl", "EURUSD=X", "AAPL"], "--symbols") == ("AAPL", "EURUSD=X")


def test_an_impossible_symbol_is_named() -> None:
    with pytest.raises(UsageError, match=r"--symbols: 'A B' is not a symbol; allowed: 1 to 24"):
        symbols_of(["A B"], "--symbols")
