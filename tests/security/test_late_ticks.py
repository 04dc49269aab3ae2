"""One record of late ticks must not keep a shard's other symbols waiting."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.errors import TooManyCopies
from chalicelib.services.bars import repair_reading
from chalicelib.services.bars.repair_reading import MOST_MINUTES
from chalicelib.services.detect.detect import Detected
from chalicelib.services.market_data import series
from rigs.memory_aws.system import SETTINGS, Aws
from tests.api_support import Client, FakeServices
from tests.factories import NEVER, at, instant, kinesis_event, payload, wire

NOW = 10**8
REGULAR = {"exchange_timezone": "UTC", "market_state": "REGULAR"}


class System:
    """Ingest and detect over AWS in memory; counts the calls that detect makes."""

    def __init__(self) -> None:
        self.aws = Aws()
        self.services = Services(SETTINGS, lambda: instant(NOW), self.aws)
        self.calls: Counter[str] = Counter()
        self._sent = 0
        self._seen = 0

    def send(self, *ticks: dict[str, Any]) -> Detected:
        """One record through both handlers."""
        event = kinesis_event([payload(*ticks)], self._sent, arrival=NOW)
        self._sent += 1
        assert not self.services.ingest(events.from_kinesis(event), NEVER).failed
        changes = self.aws.stream[self._seen :]
        self._seen = len(self.aws.stream)
        self.calls.clear()
        self.aws.around = self._count
        detected = self.services.detect(events.changed_prices({"Records": changes}))
        self.aws.around = lambda _operation, _request, perform: perform()
        assert not detected.failed
        return detected

    def _count(self, operation: str, _request: dict[str, Any], perform: Any) -> Any:
        self.calls[operation] += 1
        return perform()

    def closes(self, interval: str) -> dict[str, int]:
        """The price of each bar of a symbol, by its start."""
        bars = self.services.stores.bars.bars("AAPL", interval, None, None, limit=50_000).rows
        return {bar.start: int(bar.close) for bar in bars if not bar.extended}


def minutes_apart(count: int, apart: int, price: int) -> list[dict[str, Any]]:
    """Ticks `apart` minutes from one another, from the factories' first instant on."""
    return [wire(price, 60 * apart * n + 1, **REGULAR) for n in range(count)]


@pytest.mark.parametrize("corrected", [False, True])
def test_the_work_of_late_ticks_is_bounded(corrected: bool) -> None:
    """A new bar takes part of a call, a replaced one a whole call."""
    system = System()
    if corrected:
        system.send(*minutes_apart(2 * MOST_MINUTES, 61, 2))
    system.send(wire(1, NOW, **REGULAR))
    detected = system.send(*minutes_apart(2 * MOST_MINUTES, 61, 3))
    assert detected.unrepaired > 0
    assert sum(system.calls.values()) < (2.2 if corrected else 0.3) * MOST_MINUTES


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> System:
    """A minute whose items hold copies of each other's ticks, above a bound of 500."""
    for module in (repair_reading, series):
        monkeypatch.setattr(module, "MOST_COPIES", 500)
    system = System()
    common = [wire(2, n / 1000, **REGULAR) for n in range(99)]
    for last in range(10):
        system.send(*common, wire(2, 1 + last / 1000, **REGULAR))
    system.send(wire(1, 120, **REGULAR))
    return system


def test_a_late_tick_among_copies_without_end_is_left_to_rebuild(
    crowded: System, caplog: pytest.LogCaptureFixture
) -> None:
    assert crowded.send(wire(9, 30, **REGULAR)).unrepaired == 1
    assert f"`rebuild AAPL --from {at(30)}" in caplog.text
    assert crowded.closes("1m") == {at(0): 2}
    crowded.services.rebuild("AAPL")
    assert crowded.closes("1m") == {at(0): 9}


def test_a_page_of_ticks_that_are_stored_in_copies_without_end_is_refused(crowded: System) -> None:
    services = FakeServices()
    services.stores = crowded.services.stores
    client = Client(services)
    refused = client.get(f"/prices/AAPL?interval=tick&start={at(0)}&end={at(60)}")
    assert (refused.status, refused.json["parameter"]) == (413, "start")
    assert "stored in more than 500 further copies" in refused.json["detail"]
    assert client.get(f"/prices/AAPL?interval=tick&start={at(60)}").status == 200


@pytest.mark.parametrize("descending", [False, True])
def test_very_many_ticks_within_a_minute_are_not_read_at_once(descending: bool) -> None:
    """No tick of the minute is settled before its end, whatever the page's limit."""
    system = System()
    for item in range(6):
        system.send(*(wire(2, 5 * item + n / 10, **REGULAR) for n in range(50)))
    system.aws.dynamodb.page_items = 1
    ticks = system.services.stores.prices.ticks
    if descending:  # each tick is settled with its item
        rows = ticks("AAPL", None, None, limit=1, descending=True, most_copies=200).rows
        assert [row.tick.timestamp for row in rows] == [at(29.9)]
        return
    with pytest.raises(TooManyCopies):
        ticks("AAPL", None, None, limit=1, most_copies=200)
    assert len(ticks("AAPL", None, None, limit=1, most_copies=300).rows) == 1


@pytest.fixture
def fifty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repair may compute fifty minutes."""
    monkeypatch.setattr(repair_reading, "MOST_MINUTES", 50)


@pytest.mark.parametrize("apart", [1, 61])
def test_minutes_beyond_the_bound_are_left_to_rebuild(
    apart: int, fifty: None, caplog: pytest.LogCaptureFixture
) -> None:
    system = System()
    ticks = minutes_apart(78, apart, 3)
    system.send(wire(1, NOW, **REGULAR))
    assert system.send(*ticks).unrepaired >= 1
    repaired = system.closes("1m")
    assert list(repaired) == sorted(at(60 * apart * n) for n in range(78))[:51], (
        "the one that follows is computed, too"
    )
    assert f"`rebuild AAPL --from {at(60 * apart * 50 + 1)}" in caplog.text
    system.services.rebuild("AAPL")
    assert len(system.closes("1m")) == 78
    at_once = System()
    for tick in [*ticks, wire(1, NOW, **REGULAR)]:
        at_once.send(tick)
    for interval in ("1m", "1h", "1d"):
        assert system.closes(interval) == at_once.closes(interval)
