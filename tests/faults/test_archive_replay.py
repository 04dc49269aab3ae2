"""The raw archive, replayed into an empty system, rebuilds prices, bars and state."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.detection import State
from chalicelib.domain.sources import parse_sources
from chalicelib.domain.ticks import Tick
from chalicelib.services.symbol_stores import SymbolEntry
from producer.passing import Ordering
from producer.sources.replay import open_recording
from producer.wire import line_of
from tests.factories import NEVER, at, instant, kinesis_event, payload, wire
from tests.faults.system import SYMBOL, System, walk

HISTORY = {"bar": "1m", "open": 1, "high": 3, "low": 1, "volume": 5}


def recorded() -> System:
    """A system that has seen all that can come."""
    system = System(step=1)
    ticks = walk(200, 41.7)
    system.deliver([payload(*ticks[n : n + 2]) for n in range(0, 150, 2)], 7)
    system.ingest(json.dumps(ticks[150:]).encode())
    system.detect()
    bare = wire(101, None, symbol="ETH-USD")
    del bare["source"]
    system.deliver([payload(bare, bare), payload(bare), payload(bare, wire(102, None))], 1)
    system.deliver([b"\x00 poison", b'{"symbol": "B/D"}', payload(wire(-1, 0, symbol=SYMBOL))], 3)
    system.ingest(payload(wire(101, 10**7 + 5000, symbol=SYMBOL)))  # too far ahead: refused
    system.ingest(payload(wire(2, 60, symbol="OLD", **HISTORY)))
    system.detect()
    return system


def replayed(
    system: System, folder: Path, *, alerts: bool = False, since: date | None = None
) -> System:
    """Another system that gets the archive's recording, as the producer sends it."""
    for (_, key), body in system.aws.objects.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(body)
    ordering = Ordering(recorded=True)
    ticks = open_recording(folder, [], alerts=alerts, since=since).ticks()
    lines = [line_of(tick).payload for tick in ticks if ordering.admit(tick) is None]
    another = System(step=1)
    another.arrival = 2 * 10.0**7
    another.deliver(lines, 50)
    return another


def prices(services: Services, symbol: str) -> list[Tick]:
    page = services.stores.prices.ticks(symbol, None, None, limit=5000)
    return [msgspec.structs.replace(row.tick, mode="live") for row in page.rows]


def state(services: Services, symbol: str) -> State:
    """The state but for the mode of its tick, what was pending, and how often it was written."""
    found = services.stores.state.get(symbol)
    assert found is not None
    assert found.last is not None
    last = msgspec.structs.replace(found.last, mode="live")
    told: dict[str, Any] = {"pending": (), "version": 0, "repairs": 0}
    return msgspec.structs.replace(found, last=last, **told)


def bars(services: Services, symbol: str) -> list[Any]:
    read = services.stores.bars.bars
    return [bar for i in ("1m", "1h", "1d") for bar in read(symbol, i, None, None, limit=5000).rows]


def test_prices_bars_and_state_are_rebuilt_to_the_last_digit(tmp_path: Path) -> None:
    system = recorded()
    another = replayed(system, tmp_path)
    before, after = system.services, another.services
    for symbol in (SYMBOL, "ETH-USD", "AAPL"):
        assert prices(after, symbol) == prices(before, symbol)
        assert bars(after, symbol) == bars(before, symbol)
        assert state(after, symbol) == state(before, symbol)
    assert len(prices(after, SYMBOL)) == 200
    assert len({tick.timestamp for tick in prices(after, "ETH-USD")}) == 4
    assert bars(after, "OLD") == bars(before, "OLD") != []


def test_actions_are_rebuilt_with_the_time_at_which_they_became_known(tmp_path: Path) -> None:
    system = System(step=1)
    split: dict[str, Any] = {"action": "split", "ex_date": "2020-08-31", "split": "4:1"}
    dividend: dict[str, Any] = {"action": "dividend", "ex_date": "2020-08-07", "amount": 0.82}
    told = [
        {**action, "symbol": SYMBOL, "source": "replay", "timestamp": at(seconds)}
        for action, seconds in (
            (split, 9),
            (split, 6),
            ({**split, "split": "7:1"}, 5),
            ({**dividend, "previous_close": 455.61}, 7),
        )
    ]
    system.deliver([payload(*walk(20, 41.7)), payload(told[0]), payload(*told)], 1)
    another = replayed(system, tmp_path)
    before, after = (one.services.stores.actions.actions(SYMBOL) for one in (system, another))
    assert [(one.kind, one.known_at, one.ratio) for one in before] == [
        ("dividend", at(7), None),
        ("split", at(5), "7:1"),
    ]
    assert after == before


def test_alerts_are_rebuilt_and_not_sent_again(tmp_path: Path) -> None:
    system = recorded()
    another = replayed(system, tmp_path)
    assert len(system.alerts()) > 10
    assert another.alerts() == system.alerts()
    assert another.sent() == []


def test_alerts_are_sent_again_where_that_is_asked_for(tmp_path: Path) -> None:
    system = recorded()
    another = replayed(system, tmp_path, alerts=True)
    assert sorted(another.sent()) == sorted(system.sent())


def assert_rebuilt(system: System, folder: Path) -> None:
    """Prices, bars and state are those of the system that wrote the archive."""
    before, after = system.services, replayed(system, folder).services
    assert prices(after, SYMBOL) == prices(before, SYMBOL)
    mine, theirs = bars(after, SYMBOL), bars(before, SYMBOL)
    assert all(bar.same_values(other) for bar, other in zip(mine, theirs, strict=True))
    assert state(after, SYMBOL).last == state(before, SYMBOL).last


def test_a_correction_of_the_newest_tick_in_a_later_hour_is_rebuilt(tmp_path: Path) -> None:
    system = System(step=1)
    ticks = walk(20, 41.7)
    system.deliver([payload(tick) for tick in ticks], 7)
    system.arrival += 7200
    system.deliver([payload({**ticks[-1], "price": 105})], 1)
    assert prices(system.services, SYMBOL)[-1].price == 105
    assert_rebuilt(system, tmp_path)


@pytest.mark.parametrize("size", [1, 2])
def test_a_correction_that_the_streams_clock_dates_before_its_tick_is_rebuilt(
    tmp_path: Path, size: int
) -> None:
    system = System(step=1)
    ticks = walk(10, 41.7)
    system.deliver([payload(tick) for tick in ticks[:9]], 3)
    event = kinesis_event([payload(ticks[9]), payload({**ticks[9], "price": 105})], 9, 10.0**7 + 9)
    event["Records"][1]["kinesis"]["approximateArrivalTimestamp"] -= 0.004
    records = events.from_kinesis(event)
    for first in range(0, 2, size):
        system.services.ingest(records[first : first + size], NEVER)
    system.detect()
    assert prices(system.services, SYMBOL)[-1].price == 105
    assert_rebuilt(system, tmp_path)


@pytest.mark.parametrize(
    "second", [-5_000, 41.7], ids=["before all others", "at another's instant"]
)
def test_ticks_of_another_source_that_were_refused_stay_out(tmp_path: Path, second: float) -> None:
    system = System(step=1)
    ticks = walk(20, 41.7)
    system.deliver([payload(tick) for tick in ticks[:10]], 5)
    system.ingest(payload(wire(7, second, symbol=SYMBOL, source="another")))
    system.deliver([payload(tick) for tick in ticks[10:]], 5)
    assert len(prices(system.services, SYMBOL)) == 20
    assert_rebuilt(system, tmp_path)


def test_readings_beside_the_raw_lines_are_not_a_recording(tmp_path: Path) -> None:
    replayed(recorded(), tmp_path)
    assert list((tmp_path / "readings").rglob("*.json.gz"))
    whole, raw = (open_recording(folder, []) for folder in (tmp_path, tmp_path / "raw"))
    assert list(whole.ticks()) == list(raw.ticks())
    assert whole.unreadable.count == raw.unreadable.count


def test_late_ticks_are_rebuilt_too(tmp_path: Path) -> None:
    system = System(step=1)
    ticks = walk(20, 41.7)
    system.ingest(*(payload(tick) for tick in [*ticks[:9], *ticks[10:]]))
    system.detect()
    system.arrival += 7200
    system.ingest(payload(ticks[9]))
    system.detect()
    another = replayed(system, tmp_path)
    assert prices(another.services, SYMBOL) == prices(system.services, SYMBOL)
    mine, theirs = bars(another.services, SYMBOL), bars(system.services, SYMBOL)
    assert [bar.same_values(other) for bar, other in zip(mine, theirs, strict=True)] == [
        True
    ] * len(mine)


def test_a_series_that_has_changed_its_source_is_rebuilt(tmp_path: Path) -> None:
    """Both sources send all the time, and ticks come late: a stage that knows nothing of the
    changes gets them from the archive."""
    system = System(step=1)
    switches = f"{at(600)} alpaca,{at(1800)} replay,{at(3000)} alpaca"
    line = SymbolEntry(symbol=SYMBOL, added_at=at(0), source="replay", switches=switches)
    system.services.stores.symbols.pin(line)
    ticks = walk(100, 41.7)
    others = [
        {**tick, "source": "alpaca", "volume": 3 * tick["volume"], "price": tick["price"] + 1}
        for tick in walk(100, 41.7, seed=2)
    ]
    mixed = [payload(*pair) for pair in zip(ticks, others, strict=True)]
    late = [mixed.pop(n) for n in (60, 40, 30, 10)]
    system.deliver([*mixed, *late], 3)
    stored = prices(system.services, SYMBOL)
    assert len(stored) == 100
    sources = parse_sources(f"replay,{switches}")
    assert all(tick.source == sources.at(tick.timestamp) for tick in stored)
    assert_rebuilt(system, tmp_path)
    found = replayed(system, tmp_path).services.stores.symbols.find(SYMBOL)
    assert found is not None
    assert (found.source, found.switches) == ("replay", switches)


@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.parametrize("restarts", [True, False])
@pytest.mark.parametrize("switches", [None, f"{at(60)} alpaca"])
@pytest.mark.parametrize("later", [None, f"{at(1980)} kraken"])
def test_a_series_that_was_forgotten_and_began_again_is_rebuilt(
    tmp_path: Path, switches: str | None, later: str | None, restarts: bool, is_whole: bool
) -> None:
    """The sources of the forgotten series decided: a replay left out all of the new one's ticks."""
    system = System(step=1)
    symbols = system.services.stores.symbols
    line = SymbolEntry(symbol=SYMBOL, added_at=at(0), source="yfinance", switches=switches)
    symbols.pin(line)
    system.deliver([payload({**tick, "source": "yfinance"}) for tick in walk(1, 41.7)], 3)
    system.services.forget(SYMBOL, NEVER)
    if restarts:
        system.restart()
    if later:
        forgotten = symbols.find_many("forgotten", [SYMBOL])[SYMBOL].added_at
        begun = {"source": "coinbase", "switches": later, "forgotten_at": forgotten}
        symbols.pin(msgspec.structs.replace(line, **begun))
    system.arrival += 2 * 86400
    day = None if is_whole else instant(system.arrival).date()
    sources = parse_sources(",".join(filter(None, ("coinbase", later))))
    ticks = [{**tick, "source": sources.at(tick["timestamp"])} for tick in walk(100, 41.7, seed=5)]
    system.deliver([payload(tick) for tick in ticks], 7)
    stored = prices(system.services, SYMBOL)
    assert len(stored) == 100
    assert prices(replayed(system, tmp_path, since=day).services, SYMBOL) == stored
