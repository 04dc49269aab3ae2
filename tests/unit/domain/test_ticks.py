from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from chalicelib.domain import ticks
from chalicelib.domain.errors import TickError
from chalicelib.domain.ticks import LABELS, NUMBERS, Tick, as_price, enrich, number, parse_symbol
from tests.factories import make_tick

FIVE = Decimal(5)


def test_change_and_percentage_are_against_the_previous_close() -> None:
    extra = enrich(make_tick(price=189.84, previous_close=187.9), FIVE)
    assert extra.change == Decimal("1.94")
    assert extra.change_percent == Decimal("1.0325")


def test_nothing_is_said_about_change_without_a_previous_close() -> None:
    extra = enrich(make_tick(price=100), FIVE)
    assert (extra.change, extra.change_percent, extra.anomaly) == (None, None, False)


def test_moving_average_is_the_mean_of_open_high_low_and_price() -> None:
    extra = enrich(make_tick(price=4, open=1, high=5, low=1), FIVE)
    assert extra.moving_average == Decimal("2.75")


@pytest.mark.parametrize("absent", ["open", "high", "low"])
def test_moving_average_needs_all_four(absent: str) -> None:
    given: dict[str, Any] = {"open": 1, "high": 5, "low": 1, absent: None}
    assert enrich(make_tick(price=4, **given), FIVE).moving_average is None


@pytest.mark.parametrize(
    ("price", "anomaly"),
    [("105", False), ("105.00000001", True), ("95", False), ("94.99999999", True)],
)
def test_an_anomaly_is_a_change_above_the_limit_judged_exactly(price: str, anomaly: bool) -> None:
    assert enrich(make_tick(price=price, previous_close=100), FIVE).anomaly is anomaly


@pytest.mark.parametrize(
    "symbol", ["AAPL", "brk-b", "^gspc", "EURUSD=X", "7203.T", "A_B", "X" * 24]
)
def test_symbols_are_kept_in_upper_case(symbol: str) -> None:
    assert parse_symbol(symbol) == symbol.upper()


@pytest.mark.parametrize("symbol", ["", "X" * 25, "A B", "A/B", "ÄPFEL", "A\n", None, 7, "A%20"])
def test_invalid_symbols_are_refused_by_name(symbol: object) -> None:
    with pytest.raises(TickError, match=r"^symbol: ") as refused:
        parse_symbol(symbol)
    assert refused.value.field == "symbol"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1.50", "1.5"),
        ("1E+3", "1000"),
        ("0.123456785", "0.12345678"),
        ("0.123456775", "0.12345678"),
        ("100", "100"),
        ("0", "0"),
    ],
)
def test_numbers_have_eight_decimals_and_no_exponent(given: str, kept: str) -> None:
    assert str(number(Decimal(given))) == kept


@pytest.mark.parametrize(
    ("given", "kept"), [("-0", "0"), ("0E+5", "0"), ("-1E-9", "0"), ("1E+3", "1000")]
)
def test_numbers_have_one_form_whichever_of_them_came_first(given: str, kept: str) -> None:
    assert str(number(Decimal(given))) == kept


def test_the_lists_of_numbers_and_labels_match_the_ticks_fields() -> None:
    fields = {field.name: str(field.type) for field in msgspec.structs.fields(Tick)}
    numbers = [name for name, kind in fields.items() if "Decimal" in kind]
    assert list(NUMBERS) == numbers
    others = set(fields) - set(numbers) - set(LABELS)
    assert others == {"symbol", "timestamp", "mode", "split"}


def test_no_number_of_many_digits_is_kept() -> None:
    """A sender could fill a container's memory with them."""
    long = Decimal("1." + "1" * 50_000)
    ticks._kept.cache_clear()  # a full one would stay as large
    before = ticks._kept.cache_info().currsize
    assert [as_price(long + number) for number in range(20)] == [
        number + Decimal("1.11111111") for number in range(20)
    ]
    assert ticks._kept.cache_info().currsize == before
    assert as_price(Decimal("987.654321012")) == as_price(Decimal("987.654321012"))
    assert ticks._kept.cache_info().currsize == before + 1
