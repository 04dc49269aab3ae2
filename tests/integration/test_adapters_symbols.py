"""The contract of SymbolStore."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.sources import Sources, Switch
from chalicelib.domain.splits import Split
from chalicelib.services.stores import Stores
from chalicelib.services.symbol_stores import SymbolEntry, SymbolStore
from tests.factories import at


@pytest.fixture
def symbols(stores: Stores) -> SymbolStore:
    return stores.symbols


def entry(symbol: str, **fields: Any) -> SymbolEntry:
    return SymbolEntry(**{"symbol": symbol, "added_at": at(), **fields})


FULL = {"source": "yfinance", "name": "Apple Inc.", "exchange": "NMS", "currency": "USD"}


def test_a_line_comes_back_as_it_was_put(symbols: SymbolStore, symbol: str) -> None:
    line = entry(symbol, **FULL)
    assert symbols.put("tracked", line) == line
    assert symbols.find(symbol) == line
    assert line in symbols.listed("tracked")
    assert line not in symbols.listed("seen")


def test_putting_again_keeps_the_first_line(symbols: SymbolStore, symbol: str) -> None:
    first = entry(symbol)
    symbols.put("tracked", first)
    assert symbols.put("tracked", entry(symbol, added_at=at(5))) == first


def test_a_list_is_in_order(symbols: SymbolStore, symbol: str) -> None:
    for name in "CAB":
        symbols.put("tracked", entry(symbol + name))
    mine = [line.symbol for line in symbols.listed("tracked") if line.symbol.startswith(symbol)]
    assert mine == [symbol + name for name in "ABC"]


def test_seen_goes_before_tracked(symbols: SymbolStore, symbol: str) -> None:
    symbols.put("tracked", entry(symbol, name="tracked"))
    symbols.pin(entry(symbol, name="seen"))
    found = symbols.find(symbol)
    assert found is not None
    assert found.name == "seen"


def test_pinning_fills_in_what_is_missing_and_changes_nothing_else(
    symbols: SymbolStore, symbol: str
) -> None:
    assert symbols.pin(entry(symbol, currency="USD")) == entry(symbol, currency="USD")
    pinned = symbols.pin(entry(symbol, added_at=at(9), source="yfinance", currency="EUR"))
    assert pinned == entry(symbol, source="yfinance", currency="USD")
    assert symbols.find(symbol) == pinned


def test_reading_many_returns_the_existing_ones(symbols: SymbolStore, symbol: str) -> None:
    names = [f"{symbol}.{n}" for n in range(100)]
    for name in names[:3]:
        symbols.pin(entry(name))
    assert sorted(symbols.find_many("seen", names)) == names[:3]
    assert symbols.find_many("tracked", names) == {}


def test_a_line_is_removed_from_one_list_only(symbols: SymbolStore, symbol: str) -> None:
    symbols.put("tracked", entry(symbol))
    symbols.pin(entry(symbol))
    symbols.remove("tracked", symbol)
    symbols.remove("tracked", symbol)
    assert symbols.find_many("tracked", [symbol]) == {}
    assert symbols.find(symbol) == entry(symbol)


def test_unseen_symbols_have_nothing(symbols: SymbolStore, symbol: str) -> None:
    assert symbols.find(symbol) is None


def test_noting_something_of_a_symbol_that_is_gone_leaves_nothing_behind(
    symbols: SymbolStore, symbol: str
) -> None:
    """The symbol was forgotten while its ticks were processed."""
    symbols.note_problem(symbol, "source: ...", at(3))
    symbols.note_split(symbol, Split("2026-11-20", 4, 1, Decimal(100)))
    assert symbols.find(symbol) is None
    symbols.pin(SymbolEntry(symbol=symbol, added_at=at()))
    symbols.note_problem(symbol, "source: ...", at(3))
    found = symbols.find(symbol)
    assert found is not None
    assert (found.problem, found.problem_at) == ("source: ...", at(3))


def test_a_page_has_the_lines_after_a_symbol_and_a_count_all_of_them(
    symbols: SymbolStore, symbol: str
) -> None:
    before = symbols.count("tracked")
    names = [f"{symbol}{number:02d}" for number in range(9)]
    for name in names:
        symbols.put("tracked", entry(name))
    assert symbols.count("tracked") == before + 9
    assert [line.symbol for line in symbols.page("tracked", names[0], 8)] == names[1:]
    assert [line.symbol for line in symbols.page("tracked", f"{symbol}00A", 3)] == names[1:4]
    assert symbols.page("tracked", "", 1) == symbols.listed("tracked")[:1]
    assert symbols.page("tracked", "_" * 24, 5) == []


def test_sources_are_set_only_if_nobody_else_has_set_them(
    symbols: SymbolStore, symbol: str
) -> None:
    wanted = Sources("yfinance", (Switch(at(60), "alpaca"), Switch(at(120), "yfinance")))
    bare = entry(symbol)
    assert not symbols.set_sources("seen", bare, wanted)
    assert symbols.find(symbol) is None
    symbols.pin(bare)
    assert symbols.set_sources("seen", bare, wanted)
    assert not symbols.set_sources("seen", bare, Sources("other"))
    found = symbols.find_many("seen", [symbol])[symbol]
    assert found.known_sources == wanted
    assert symbols.set_sources("seen", found, Sources("yfinance"))
    assert symbols.find(symbol) == entry(symbol, source="yfinance")
    assert symbols.pin(entry(symbol, switches=f"{at(60)} alpaca")).source == "yfinance"


def test_the_standby_of_a_tracked_symbol_is_set_and_ended(
    symbols: SymbolStore, symbol: str
) -> None:
    symbols.note_standby(symbol, "300,alpaca,yfinance")
    assert symbols.find_many("tracked", [symbol]) == {}
    symbols.put("tracked", entry(symbol))
    symbols.note_standby(symbol, "300,alpaca,yfinance")
    assert symbols.find_many("tracked", [symbol])[symbol].standby == "300,alpaca,yfinance"
    for _ in range(2):
        symbols.note_standby(symbol, None)
    assert symbols.find_many("tracked", [symbol])[symbol] == entry(symbol)


def test_the_last_deletion_of_a_series_is_noted(symbols: SymbolStore, symbol: str) -> None:
    for seconds in (3, 9):
        symbols.note_forgotten(symbol, at(seconds))
    assert symbols.find_many("forgotten", [symbol])[symbol].added_at == at(9)
    assert symbols.find(symbol) is None
