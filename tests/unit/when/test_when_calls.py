"""How often detect asks for bars of other symbols that conditions name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chalicelib.domain.errors import Conflict
from chalicelib.domain.ticks import Tick
from chalicelib.services.detect.changed_prices import ChangedPrices
from chalicelib.services.priced import PricedRecord
from chalicelib.services.rules.rule_book import RuleBook
from tests.factories import NEVER
from tests.fakes import fake_stores
from tests.unit.domain.watched import ARRIVAL, Watched
from tests.unit.when.a_session import at, days, rule

OWN = ("AAPL", "MSFT", "TSLA")


def of(symbol: str, minute: float, price: int = 100) -> Tick:
    return msgspec.structs.replace(at(minute, price), symbol=symbol)


class Counted:
    """Symbols with a rule for all of them; `asked` has the series that were read of others."""

    def __init__(self, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.watched = Watched(rule(when, symbol="*", rule_id="r1"))
        self.asked: list[str] = []
        stored = self.watched.stores.bars
        bars, mark = stored.bars, stored.history_mark

        def noted(symbol: str, interval: str, *reach: Any, **options: Any) -> Any:
            if symbol not in OWN:
                self.asked.append(f"{symbol} {interval}")
            return bars(symbol, interval, *reach, **options)

        def noted_mark(symbol: str) -> str:
            if symbol not in OWN:
                self.asked.append(f"{symbol} mark")
            return mark(symbol)

        monkeypatch.setattr(stored, "bars", noted)
        monkeypatch.setattr(stored, "history_mark", noted_mark)

    def at(self, minute: float, *symbols: str) -> list[str]:
        """Detect a price of each symbol; return what was asked of others."""
        self.asked.clear()
        for symbol in symbols or OWN:
            self.watched.feed([of(symbol, minute)])
        return [one for one in self.asked if not one.endswith("mark")]

    def fired(self) -> int:
        return sum(len(self.watched.fired(symbol)) for symbol in OWN)


def test_another_symbols_bars_are_read_again_only_once_it_has_a_new_price(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = Counted("close(1m, SPY) > 0 and close(5m, SPY) > 0 and volume(1h) > -1", monkeypatch)
    for minute in range(7):
        counted.at(minute, "SPY")
    counted.at(8)
    assert counted.at(8.1) == ["SPY 1m"], "once for three symbols and two intervals"
    assert counted.at(8.2) == []
    counted.at(8.3, "SPY")
    assert counted.at(8.4) == ["SPY 1m"]
    assert counted.at(8.5) == []


def test_a_mark_of_another_symbols_history_is_read_once_in_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = Counted("close(1m, SPY) > 0", monkeypatch)
    counted.at(0, "SPY")
    counted.at(1)
    (container,) = counted.watched.taking_turns
    ticks = [of(symbol, 2) for symbol in OWN]
    counted.watched.stores.prices.write([PricedRecord((tick,), ARRIVAL) for tick in ticks], NEVER)
    counted.asked.clear()
    triggers = [
        ChangedPrices(tick.symbol, tick.symbol, tick.timestamp, tick.timestamp, ARRIVAL)
        for tick in ticks
    ]
    assert container(triggers).failed == ()
    assert counted.asked.count("SPY mark") == 1


def test_a_series_without_bars_is_not_asked_again_and_its_history_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = Counted("close(1d, NONE) > 0 or close(1m, NONE) > 0", monkeypatch)
    counted.at(0)
    assert counted.at(1) == []
    assert counted.at(2) == []
    (day,) = days(1)
    history = [msgspec.structs.replace(day, symbol="NONE")]
    counted.watched.stores.bars.write_history(history, ARRIVAL, NEVER)
    counted.watched.stores.bars.mark_history(["NONE"], NEVER)
    assert counted.fired() == 0
    counted.at(3)
    assert counted.fired() == len(OWN)


def test_rules_name_a_bounded_number_of_other_series_together() -> None:
    book = RuleBook(fake_stores().rules, ())
    for number in range(4):
        names = [f"{letter}{number}" for letter in "XYZ"]
        when = " or ".join(f"close({i}, {name}) > 1" for name in names for i in ("1m", "5m"))
        book.replace(f"r{number}", {"symbol": "*", "when": when})
    with pytest.raises(Conflict, match="13 series of other symbols together, more than 12"):
        book.replace("r4", {"symbol": "AAPL", "when": "day_change(1d, SPY) < -1"})
    book.replace("same", {"symbol": "AAPL", "when": "close(15m, X1) > 1"})
