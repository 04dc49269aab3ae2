"""What previews and backtests read: each minute once, until their time is over."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.domain.backtest import TradingCosts
from chalicelib.domain.errors import RuleError
from chalicelib.domain.times import later
from chalicelib.services.bars.stored_rows import FREE_PAGES
from chalicelib.services.rules.backtests import backtest_of
from chalicelib.services.rules.preview import Preview
from tests.factories import NEVER
from tests.unit.domain.watched import ARRIVAL, Watched
from tests.unit.when.a_session import SHOWN, at, days, preview, rule

MINUTES = 300
START = at(250, 100).timestamp
FREE = TradingCosts(hold_bars=2, fee_percent=0, slippage_percent=0)


@pytest.fixture(scope="module")
def stored() -> Watched:
    watched = Watched()
    watched.feed([at(minute, 100 + minute % 3) for minute in range(MINUTES)], MINUTES)
    return watched


@pytest.fixture
def reads(stored: Watched, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Record what is asked of stored bars, with the `rows` of each answer."""
    bars, found = stored.stores.bars.bars, list[dict[str, Any]]()

    def noted(symbol: str, interval: str, *reach: Any, **options: Any) -> Any:
        page = bars(symbol, interval, *reach, **options)
        found.append({"interval": interval, "rows": len(page.rows), **options})
        return page

    monkeypatch.setattr(stored.stores.bars, "bars", noted)
    return found


def test_a_preview_reads_minutes_once_for_all_intervals_and_not_consistently(
    stored: Watched, reads: list[dict[str, Any]]
) -> None:
    of = ["sma(100, 1m)", "sma(20, 5m)", "sma(5, 15m)", "sma(3, 30m)"]
    one = rule(" or ".join(f"{value} > 1" for value in of), "1m")
    found = Preview(stored.stores, SHOWN)(one, "AAPL", START, None)
    assert (found.judged, found.unknown, found.complete) == (49, 0, True)
    minutes = [each for each in reads if each["interval"] == "1m" and each["limit"] > 1]
    assert sum(each["rows"] for each in minutes) < MINUTES
    assert len(minutes) == 1
    assert not any(each.get("consistent") for each in reads)


@pytest.mark.parametrize("interval", ["tick", "1m"])
def test_a_preview_ends_in_time_while_bars_are_read(
    stored: Watched, reads: list[dict[str, Any]], interval: str
) -> None:
    of = [f"close({each}, {symbol}) > 1" for symbol in "ABC" for each in ("1m", "1h", "1d")]
    preview = Preview(stored.stores, SHOWN, lambda: 1.0)
    found = preview(rule(" or ".join(of), interval), "AAPL", START, None, 1.0)
    assert (found.judged, found.complete, found.until) == (0, False, None)
    assert sum(each["limit"] > 1 for each in reads) == FREE_PAGES


def test_a_preview_that_needs_more_than_the_rules_of_a_symbol_may_is_refused(
    stored: Watched, reads: list[dict[str, Any]]
) -> None:
    of = [f"rsi(400, 1m, {symbol}) > 1 or ema(380, 5m, {symbol}) > 1" for symbol in "AB"]
    with pytest.raises(RuleError, match=r"70,212 stored bars together.*at most 60,000"):
        preview(stored, rule(" or ".join(of)))
    assert not reads


def test_a_backtest_ends_in_time_and_says_how_far_it_came(stored: Watched) -> None:
    one = rule("close > 101", "1m")
    found = preview(stored, one)
    whole = backtest_of(stored.stores, one, found, None, FREE)
    assert (whole.bars, whole.fires) == (MINUTES - 1, len(found.alerts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chalicelib.services.rules.backtests._PAGE", 60)
        cut = backtest_of(stored.stores, one, found, None, FREE, time_is_up=lambda: True)
    assert (cut.bars, cut.fires) == (60, 20)
    assert cut.caveats[0].startswith("Only bars up to 2026-11-20T15:29:00.000000Z were read")
    assert cut.caveats[1:] == whole.caveats


def test_a_preview_on_days_knows_the_minutes_of_each_day() -> None:
    """Before, of the last days only: as many minutes were read as one day needs, and some more."""
    watched, last = Watched(), date(2026, 11, 19)
    watched.stores.bars.write_history(days(20), ARRIVAL, NEVER)
    (day,) = days(1)
    minutes = []
    for back in range(28):
        open_at = f"{last - timedelta(days=back)}T14:30:00.000000Z"
        minutes += [(open_at, n) for n in range(0, 390, 2)]
    bars = [
        msgspec.structs.replace(
            day, interval="1m", start=later(open_at, minutes=n), session_date=open_at[:10]
        )
        for open_at, n in minutes
    ]
    watched.stores.bars.write_history(bars, ARRIVAL, NEVER)
    found = preview(watched, rule("close(1m) > 1", "1d"))
    assert found.judged == 20
    assert found.unknown == 0


def test_a_backtest_ends_in_time_while_bars_are_adjusted(stored: Watched) -> None:
    one = rule("close > 101", "1m")
    found = preview(stored, one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chalicelib.services.rules.backtests._PAGE", 60)
        answers = iter([*[False] * 4, True])
        cut = backtest_of(
            stored.stores, one, found, None, FREE, time_is_up=lambda: next(answers, True)
        )
    assert cut.bars % 60 == 0
    assert 0 < cut.bars < MINUTES - 1
    assert cut.caveats[0].startswith("Only bars up to ")
