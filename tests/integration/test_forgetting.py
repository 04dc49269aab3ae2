"""Forgetting a symbol, on the adapters: the series can begin again from another source."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.errors import Contended
from chalicelib.services.priced import PricedRecord
from chalicelib.services.symbols.forgetting import Forget, Forgotten
from rigs.emulated import Emulated
from rigs.memory_aws.system import Aws
from tests.factories import NEVER, instant, kinesis_event, make_bar, make_tick, payload, wire
from tests.faults.run import SMALL_AVERAGES


@pytest.fixture(params=["memory", "emulator"])
def services(request: pytest.FixtureRequest) -> Services:
    if request.param == "memory":
        return Services(SMALL_AVERAGES, clients=Aws(page_items=7))
    emulated: Emulated = request.getfixturevalue("emulated")
    return Services(request.getfixturevalue("emulated_settings"), clients=emulated.clients)


def _fill(services: Services, symbol: str, count: int = 60) -> None:
    ticks = [make_tick(n, 100 + n, symbol=symbol) for n in range(count)]
    services.stores.prices.write([PricedRecord((tick,), tick.timestamp) for tick in ticks], NEVER)
    for interval in ("1m", "1h", "1d"):
        services.stores.bars.put(make_bar(symbol=symbol, interval=interval), ticks[0].timestamp)


def _counts(services: Services, symbol: str) -> tuple[int, int]:
    prices = services.stores.prices.ticks(symbol, None, None, limit=1000).rows
    bars = [
        services.stores.bars.bars(symbol, interval, None, None, limit=9).rows
        for interval in ("1m", "1h", "1d")
    ]
    return len(prices), sum(map(len, bars))


def test_every_item_of_the_symbol_goes_and_no_other(services: Services, symbol: str) -> None:
    other = f"{symbol}X"
    _fill(services, symbol)
    _fill(services, other, 3)
    forgotten = services.forget(symbol, NEVER)
    assert forgotten == Forgotten(symbol, prices=60, bars=3, alerts=0, complete=True)
    assert _counts(services, symbol) == (0, 0)
    assert _counts(services, other) == (3, 3)
    assert services.forget(symbol, NEVER) == Forgotten(symbol, 0, 0, 0, complete=True)


def test_a_mark_of_history_goes_with_the_bars(services: Services, symbol: str) -> None:
    _fill(services, symbol)
    services.stores.bars.mark_history([symbol], NEVER)
    assert services.forget(symbol, NEVER).bars == 3
    assert services.stores.bars.history_mark(symbol) == ""


def test_a_call_that_runs_out_of_time_is_gone_on_with(symbol: str) -> None:
    services = Services(SMALL_AVERAGES, clients=Aws(page_items=7))
    _fill(services, symbol)
    first = services.forget(symbol, time.monotonic())
    assert (first.prices, first.complete) == (7, False)
    assert services.forget(symbol, NEVER).complete
    assert _counts(services, symbol) == (0, 0)


class _Chain:
    """Warm services: ingest and detect that live on from batch to batch."""

    def __init__(self) -> None:
        self.aws = Aws()
        self.now = instant(10**7)
        self.services = self.container()
        self._number = self._seen = 0

    def container(self) -> Services:
        return Services(SMALL_AVERAGES, lambda: self.now, self.aws)

    def ingest(self, ticks: Sequence[dict[str, Any]], services: Services | None = None) -> None:
        event = kinesis_event([payload(tick) for tick in ticks], self._number, arrival=10.0**7)
        self._number += len(ticks)
        (services or self.services).ingest(events.from_kinesis(event), NEVER)

    def ingest_raw(self, record: bytes, services: Services) -> None:
        event = kinesis_event([record], self._number, arrival=10.0**7)
        self._number += 1
        services.ingest(events.from_kinesis(event), 10.0**9)

    def detect(self, services: Services | None = None) -> None:
        records = self.aws.stream[self._seen :]
        self._seen = len(self.aws.stream)
        done = (services or self.services).detect(events.changed_prices({"Records": records}))
        assert done.failed == ()

    def quarantined(self) -> int:
        return sum(key.startswith("quarantine/") for _, key in self.aws.objects)


def _ticks(source: str, *prices: float, start: int = 0) -> list[dict[str, Any]]:
    return [
        wire(price, start + n, symbol="BTC-USD", source=source) for n, price in enumerate(prices)
    ]


def test_another_source_may_follow_in_containers_that_knew_the_first() -> None:
    chain = _Chain()
    chain.ingest(_ticks("replay", 1, 2, 3))
    chain.detect()
    chain.ingest(_ticks("coinbase", 4, start=5))
    assert chain.quarantined() == 1
    assert chain.services.forget("BTC-USD", NEVER).prices == 3
    chain.ingest(_ticks("coinbase", 7, 8, start=10))
    chain.detect()
    state = chain.services.stores.state.get("BTC-USD")
    assert state is not None
    assert state.last is not None
    assert (state.last.price, state.last.source) == (8, "coinbase")
    assert list(state.closes) == [7, 8]
    assert chain.quarantined() == 1
    assert [one.source for one in chain.services.stores.symbols.listed("seen")] == ["coinbase"]


def test_a_state_kept_by_another_container_cannot_come_back() -> None:
    """The other container kept the state of version 2; the new series reaches that version too."""
    chain = _Chain()
    other = chain.container()
    for n in range(2):
        chain.ingest(_ticks("replay", 1 + n, start=n))
        chain.detect(other)
    chain.services.forget("BTC-USD", NEVER)
    for n in range(2):
        chain.ingest(_ticks("replay", 50 + n, start=100 + n))
        chain.detect()
    chain.ingest(_ticks("replay", 52, start=102))
    chain.detect(other)
    state = chain.services.stores.state.get("BTC-USD")
    assert state is not None
    assert list(state.closes) == [50, 51, 52]


def _bars(chain: _Chain) -> list[tuple[str, str]]:
    table = chain.aws.tables["bars"].items.values()
    return sorted((item["series"]["S"], item["source"]["S"]) for item in table)


def test_no_bar_of_the_old_series_comes_back_from_a_warm_container(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain = _Chain()
    clock = SimpleNamespace(monotonic=lambda: chain.now.timestamp(), sleep=time.sleep)
    monkeypatch.setattr("chalicelib.services.detect.detect.time", clock)
    other = chain.container()
    chain.ingest(_ticks("replay", 100, 101, 102))
    chain.detect(other)
    chain.services.forget("BTC-USD", 10.0**9)
    chain.now += timedelta(minutes=1.1)
    chain.ingest(_ticks("coinbase", 500, 501, start=86_400))
    chain.detect(other)
    assert {source for _, source in _bars(chain)} <= {"coinbase"}


def test_no_bar_of_the_old_series_comes_back_in_the_container_that_forgot_it() -> None:
    chain = _Chain()
    chain.ingest(_ticks("replay", 100, 101, 102))
    chain.detect()
    chain.services.forget("BTC-USD", NEVER)
    chain.ingest(_ticks("coinbase", 500, 501, start=86_400))
    chain.detect()
    assert {source for _, source in _bars(chain)} <= {"coinbase"}


def test_a_warm_ingest_notes_again_that_a_symbol_is_packed() -> None:
    """It knew so of the old series; the line of the new one has to say it too."""
    chain = _Chain()
    other = chain.container()
    packed = b"\n".join(payload(tick) for tick in _ticks("replay", 1, 2, 3))
    chain.ingest_raw(packed, other)
    chain.services.forget("BTC-USD", 10.0**9)
    chain.now += timedelta(minutes=1.1)
    chain.ingest_raw(packed, other)
    (line,) = chain.services.stores.symbols.listed("seen")
    assert line.packed == "yes"


def test_a_symbol_that_keeps_coming_from_its_source_is_listed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain = _Chain()
    chain.ingest(_ticks("replay", 1))
    chain.container().forget("BTC-USD", NEVER)
    monkeypatch.setattr("chalicelib.services.ingest.known_symbols.COMPLETE_SECONDS", -1.0)
    chain.ingest(_ticks("replay", 2, start=5))
    assert [one.symbol for one in chain.services.stores.symbols.listed("seen")] == ["BTC-USD"]


def test_the_container_that_forgets_lists_the_symbol_with_its_next_record() -> None:
    chain = _Chain()
    chain.ingest(_ticks("replay", 1))
    chain.services.forget("BTC-USD", NEVER)
    chain.ingest(_ticks("replay", 2, start=5))
    assert [one.symbol for one in chain.services.stores.symbols.listed("seen")] == ["BTC-USD"]


def test_a_state_that_detect_keeps_writing_is_said() -> None:
    chain = _Chain()
    chain.ingest(_ticks("replay", 1))
    chain.detect()
    stores = chain.services.stores

    class Written:
        get = staticmethod(stores.state.get)
        put = staticmethod(lambda state: False)

    busy = msgspec.structs.replace(stores, state=Written())
    with pytest.raises(Contended, match="stop what sends it first"):
        Forget(busy, chain.services.forget._eraser, lambda _: None, chain.services.clock)(
            "BTC-USD", NEVER
        )
    assert stores.symbols.find("BTC-USD") is not None
