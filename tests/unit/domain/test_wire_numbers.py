"""Every number that ingest takes fits the lake's types: DECIMAL(20,8), DECIMAL(26,8) of volumes."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.bars import Bar
from chalicelib.domain.splits import Split
from chalicelib.domain.ticks import Tick
from chalicelib.domain.wire import decode
from tests.factories import instant

PRICES = ("price", "open", "high", "low", "previous_close")
EDGES = ("999999999999.999999995", "999999999999.999999994", "0.000000005", "0.0000000051",
         "999999999999999999.999999995", "999999999999999999.999999994", "1e12", "1e18",
         "-1e-9", "1e-999999", "1e999999")  # fmt: skip


def near(power: int) -> st.SearchStrategy[str]:
    """Numbers around a power of ten, with more decimals than are stored."""
    away = st.integers(-3, 3)
    return st.builds(
        lambda n, scale: f"{Decimal(10) ** power + n * Decimal(1).scaleb(-scale):f}",
        away,
        st.integers(0, 12),
    )


NUMBERS = st.one_of(
    st.sampled_from(EDGES), near(12), near(18), near(-8),
    st.decimals(min_value=-1, max_value=10**19, allow_nan=False).map(str),
)  # fmt: skip


def fits(value: Decimal, digits: int) -> bool:
    """Return whether a DECIMAL(digits + 8, 8) holds it exactly."""
    scaled = int(value.scaleb(8).to_integral_value())
    return Decimal(scaled).scaleb(-8) == value and abs(scaled) < 10 ** (digits + 8)


def assert_fits(item: Tick | Bar) -> None:
    for name in (*PRICES, "close"):
        value = getattr(item, name, None)
        assert value is None or (fits(value, 12) and value > 0), (name, value)
    assert item.volume is None or (fits(item.volume, 18) and item.volume >= 0)


@given(st.dictionaries(st.sampled_from((*PRICES, "volume")), NUMBERS), NUMBERS, st.booleans())
def test_numbers_that_ingest_takes_fit_the_lakes_types(
    fields: dict[str, str], price: str, is_bar: bool
) -> None:
    record: dict[str, object] = {"price": price, "symbol": "A", **fields}
    record["timestamp"] = "2026-11-17T00:00:00Z"
    if is_bar:
        record |= {name: record.get(name, "1") for name in ("open", "high", "low")}
        record["bar"] = "1d"
    decoded = decode(json.dumps(record).encode(), instant())
    for tick in decoded.ticks:
        assert_fits(tick)
    for one in decoded.bars:
        assert_fits(one)
    assert len(decoded.ticks) + len(decoded.bars) + len(decoded.rejected) == 1


@pytest.mark.parametrize(
    ("field", "highest"),
    [(name, "999999999999.99999999") for name in PRICES]
    + [("volume", "999999999999999999.99999999")],
)
def test_the_bounds_hold_after_rounding(field: str, highest: str) -> None:
    def read(number: str) -> tuple[tuple[Tick, ...], list[str]]:
        given = {"symbol": "A", "price": "1", field: number}
        text = ",".join(f'"{k}":{v if k != "symbol" else json.dumps(v)}' for k, v in given.items())
        decoded = decode(b"{" + text.encode() + b"}", instant())
        return decoded.ticks, [rejected.reason for rejected in decoded.rejected]

    for within in (highest, highest + "4"):
        (tick,), _ = read(within)
        assert getattr(tick, field) == Decimal(highest)
    above = highest + "5"
    assert read(above)[0] == ()
    assert read(above)[1][0].startswith(f"{field}: '{above}' is not allowed")


def test_a_price_adjusted_for_a_split_fits_too() -> None:
    split = Split("2026-11-17", 1, 999_999, Decimal(1))
    assert fits(split.adjust(Decimal("999999999999.99999999")), 12)
