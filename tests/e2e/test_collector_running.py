"""The collector's function in a running system: real yfinance, over a stand-in for Yahoo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.local_support.system import LocalSystem, local_system
from tests.patience import PATIENCE_SECONDS
from tests.producer_support.yahoo import Answer, StandIn

FIRST, TRACKED = "ETH-USD", "BTC-USD"
"""They trade round the clock."""

COLLECTED = ("--collector", "lambda", "--source", "yfinance", "--symbols", FIRST)


@pytest.fixture
def yahoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn(tmp_path) as stand_in:
        for name, value in stand_in.variables.items():
            monkeypatch.setenv(name, value)
        yield stand_in


def track(system: LocalSystem, symbol: str) -> None:
    """Track a symbol as the page's + does."""
    token = system.until(lambda: system.facts().get("token"))
    request = Request(
        f"http://127.0.0.1:{system.api_port}/symbols/{symbol}",
        headers={"Authorization": f"Bearer {token}"},
        method="PUT",
    )
    with urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        assert answer.status < 300


def producer(system: LocalSystem) -> dict[str, Any]:
    """Return the producer's status in `/health`."""
    return ((system.get("/health") or {}).get("producer")) or {}


def test_a_tracked_symbols_price_reaches_the_api_and_yahoos_refusal_the_health(
    yahoo: StandIn,
) -> None:
    with local_system(*COLLECTED, "--interval", "1", "--data", "none", "--no-page") as system:
        system.ready()
        track(system, TRACKED)
        price = system.until(lambda: system.get(f"/prices/{TRACKED}/latest"))
        assert price["source"] == "yfinance"
        told = system.until(lambda: producer(system))
        assert told["command"] == "collector"

        def refuse(_symbol: str, _query: dict[str, str]) -> Answer:
            return 429, "Too Many Requests"

        yahoo.chart_of = refuse
        state = "throttled by Yahoo until "
        system.until(lambda: str(producer(system).get("state")).startswith(state))
        assert system.end() == 0
