"""What `yfinance-live` asks of history, and what a split makes it ask again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from producer.errors import ProducerError
from producer.sources import yahoo, yfinance_live
from producer.sources.pushed import http
from producer.sources.pushed.history import first_instant
from producer.wire import WireTick

FRIDAY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("symbol", "zone", "now", "first"),
    [
        ("AAPL", NEW_YORK, FRIDAY + timedelta(hours=6), FRIDAY),  # in session: 4:00 in New York
        ("AAPL", NEW_YORK, FRIDAY + timedelta(days=2), FRIDAY),  # on Sunday: Friday's session
        ("BTC-USD", "UTC", FRIDAY, FRIDAY - timedelta(days=1)),
    ],
)
def test_history_begins_with_the_last_session(
    symbol: str, zone: str, now: datetime, first: datetime
) -> None:
    assert first_instant(symbol, zone, now) == first


@pytest.mark.parametrize(
    ("days", "bar", "period"),
    [(0, "1m", "1d"), (3.5, "1m", "5d"), (6, "1m", "7d"), (0, "1d", "2y")],
)
def test_yahoo_is_asked_for_the_shortest_period(
    monkeypatch: pytest.MonkeyPatch, days: float, bar: Any, period: str
) -> None:
    asked: list[str] = []

    def bars(symbol: str, period: str, _bar: str) -> list[WireTick]:
        asked.append(period)
        return [
            WireTick(symbol=symbol, timestamp=at, price=Decimal(1))
            for at in ("2026-11-20T14:59:00.000000Z", "2999-01-01T00:00:00.000000Z")
        ]

    monkeypatch.setattr(yahoo, "bars", bars)
    now = datetime.now(UTC)
    found = yfinance_live.YahooBars().bars("BTC-USD", bar, now - timedelta(days=days), now)
    assert asked == [period]
    assert found == [] or found[0].timestamp < "2999"


@pytest.mark.parametrize(
    ("raised", "known"),
    [(yahoo.Throttled, http.Throttled), (yahoo.UnknownSymbol, http.UnknownSymbol)],
)
def test_errors_of_yahoo_have_their_meaning(
    monkeypatch: pytest.MonkeyPatch, raised: type[ProducerError], known: type[ProducerError]
) -> None:
    def bars(*_: Any) -> list[WireTick]:
        raise raised("no")

    monkeypatch.setattr(yahoo, "bars", bars)
    now = datetime.now(UTC)
    with pytest.raises(known):
        yfinance_live.YahooBars().bars("AAPL", "1m", now, now)
