"""Checks of the stores once everything has been delivered."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from chalicelib.bootstrap import Services
from chalicelib.domain.bars import Bar
from chalicelib.domain.ticks import Tick
from chalicelib.domain.wire import decode
from tests.factories import gunzipped, instant
from tests.faults.scenarios import POISON
from tests.faults.world import World
from tests.oracles import bars as oracle
from tests.oracles.crosses import crosses

FAST, SLOW, PERCENT = 2, 4, Decimal(5)


def valid(payloads: Iterable[bytes]) -> dict[str, list[Tick]]:
    """By symbol, every valid tick once, in order of time."""
    found = [tick for data in payloads for tick in decode(data, instant(10**6)).ticks]
    by_identity = {(tick.symbol, tick.timestamp): tick for tick in found}
    by_symbol: dict[str, list[Tick]] = {}
    for key in sorted(by_identity):
        by_symbol.setdefault(key[0], []).append(by_identity[key])
    return by_symbol


def stored(world: World) -> dict[str, list[Tick]]:
    """By symbol, what a reader of the table gets."""
    services = Services(world.settings, world.clock, world.aws)
    symbols = sorted({symbol for symbol, _ in world.aws.tables["prices"].items})
    pages = {
        symbol: services.stores.prices.ticks(symbol, None, None, limit=5000, consistent=True)
        for symbol in symbols
    }
    assert all(page.next_key is None for page in pages.values())
    return {symbol: [row.tick for row in page.rows] for symbol, page in pages.items()}


def assert_consequences(world: World, payloads: Sequence[bytes]) -> None:
    """All that follows from the ticks is right: bars, alerts, messages, and the archive."""
    services = Services(world.settings, world.clock, world.aws)
    by_symbol = valid(payloads)
    alerts = []
    for symbol, ticks in by_symbol.items():
        assert not world.trace.missed[symbol]
        alerts += assert_alerts(services, symbol, ticks, world.trace.folded[symbol])
    if by_symbol:
        assert_bars(services, by_symbol)
    assert_messages(world, alerts)
    assert_archive(world, payloads)


def assert_bars(services: Services, by_symbol: Mapping[str, Sequence[Tick]]) -> None:
    """Stored and running bars are pandas' resample of the ticks."""
    expected = resampled(by_symbol)
    for symbol, ticks in by_symbol.items():
        state = services.stores.state.get(symbol)
        assert state is not None
        assert state.last_timestamp == ticks[-1].timestamp
        for interval, rows in expected.items():
            bars = list(services.stores.bars.bars(symbol, interval, None, None, limit=5000).rows)
            assert all(bar.closed for bar in bars)
            found = [row_of(bar) for bar in [*bars, *state.running(interval)]]
            # The running hour is folded from its minutes by who reads it.
            assert found == (rows[symbol][:-1] if interval == "1h" else rows[symbol])


def row_of(bar: Bar) -> tuple[Any, ...]:
    """A bar as `resampled` has it."""
    prices = (bar.open, bar.high, bar.low, bar.close, bar.volume or 0)
    return (pd.Timestamp(bar.start), *map(float, prices), bar.ticks)


def resampled(by_symbol: Mapping[str, Sequence[Tick]]) -> dict[str, dict[str, list[Any]]]:
    """By interval and symbol, rows of pandas; all symbols at once, which is quicker."""
    frame = oracle.placed([tick for ticks in by_symbol.values() for tick in ticks], "24/7")
    frame["day"] = frame["at"].dt.floor("D")
    found: dict[str, dict[str, list[Any]]] = {}
    for interval, label in (("1m", "minute"), ("1h", "hour"), ("1d", "day")):
        groups = frame.groupby(["symbol", label], sort=True)
        volume = groups["volume"].last() if interval == "1d" else groups["traded"].sum()
        prices = groups["price"].agg(["first", "max", "min", "last", "size"])
        prices.insert(4, "volume", volume)
        rows: dict[str, list[Any]] = {symbol: [] for symbol in by_symbol}
        for (symbol, start), *values in prices.itertuples():
            rows[symbol].append((start, *values))
        found[interval] = rows
    return found


def assert_alerts(
    services: Services, symbol: str, ticks: Sequence[Tick], folded: set[str]
) -> list[str]:
    """They are the oracle's over the ticks that could be folded in time. Returns alert_ids."""
    seen = [tick for tick in ticks if tick.timestamp in folded]
    prices = [tick.price for tick in seen]
    expected = [(seen[c.position].timestamp, c.kind) for c in crosses(prices, FAST, SLOW)]
    sessions: set[str] = set()
    for tick in seen:
        far = abs(tick.price - 100) > PERCENT
        if far and tick.timestamp[:10] not in sessions:
            sessions.add(tick.timestamp[:10])
            expected.append((tick.timestamp, "change_percent"))
    rows = services.stores.alerts.by_symbol(symbol, None, None, limit=5000).rows
    assert sorted((r.alert.timestamp, r.alert.condition) for r in rows) == sorted(expected)
    assert all(row.notified_at for row in rows)
    return [row.alert.alert_id for row in rows]


def assert_messages(world: World, alerts: Sequence[str]) -> None:
    """One for each alert; more only for processes that died before they could mark it."""
    sent = Counter(
        message["MessageAttributes"]["alert_id"]["StringValue"] for message in world.aws.published
    )
    assert set(sent) == set(alerts)
    for alert_id, times in sent.items():
        assert 1 <= times <= 1 + world.trace.may_repeat(alert_id)


def assert_archive(world: World, payloads: Sequence[bytes]) -> None:
    """Every readable line is in the archive, every poison record in quarantine: once by its name,
    in however many batches it came."""
    lines: set[bytes] = set()
    quarantined: set[bytes] = set()
    for (_, key), body in world.aws.objects.items():
        if key.startswith("raw/"):
            lines |= set(gunzipped(body))
        else:
            quarantined |= set(body.splitlines())
    assert lines == {line.line for data in payloads for line in decode(data, instant()).lines}
    kept = Counter(base64.b64decode(json.loads(part)["payload"]) for part in quarantined)
    assert kept == Counter(data for data in payloads if data in POISON)
