"""Bars outside the regular session are marked in answers."""

from __future__ import annotations

import msgspec

from chalicelib.services.market_data.answers import BAR_COLUMNS, BarRow
from tests.factories import make_bar


def test_extended_bars_bear_a_flag_and_others_do_not() -> None:
    regular = msgspec.to_builtins(BarRow.of(make_bar()))
    extended = msgspec.to_builtins(BarRow.of(make_bar(extended=True)))
    assert "extended" not in regular
    assert extended["extended"] is True


def test_csv_columns_are_the_contracts() -> None:
    assert BAR_COLUMNS == ("timestamp", "open", "high", "low", "close", "volume", "closed")
