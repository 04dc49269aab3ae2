"""A source's answer about one symbol does not stop the producer and collector of others."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from chalicelib.domain.ticks import HIGHEST_PRICE, HIGHEST_VOLUME, NUMBERS
from chalicelib.domain.wire import decode
from producer.collector.recollection import Recollection
from producer.malformed import flaw_of
from producer.outbox import Outbox
from producer.pipeline import Pipeline
from producer.records import Record
from producer.sender import Sender
from producer.sources import yahoo
from producer.sources.yahoo_frames import tick_of
from producer.spool import Spool
from producer.status import Status
from producer.wire import MOST_LINE_BYTES, Line, WireTick, line_of
from tests.producer_support import frames
from tests.producer_support.collecting import ENVIRONMENT, Container, World, world_of
from tests.producer_support.doubles import MemorySink, make_line, make_wire_tick

NO_LABELS: dict[str, Any] = {
    "number": 5,
    "list": ["USD"],
    "object": {"a": 1},
    "surrogate": "\ud800",
    "control": "US\x1b[2J",
    "long": "U" * 65,
    "huge": "U" * 3_000_000,
}
LABELS = ("currency", "exchange_timezone", "market_state", "source")


class Given:
    """A source of one batch."""

    name = "given"

    def __init__(self, batch: Sequence[WireTick], *, is_live: bool) -> None:
        self._batch = batch
        self.needs_hygiene = is_live
        self.recorded = not is_live

    def batches(self, _stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        yield self._batch


def sent_of(batch: Sequence[WireTick], *, is_live: bool = True) -> tuple[list[str], dict[str, int]]:
    """The symbols that arrive, and what is counted as dropped."""
    sink, status = MemorySink(), Status(lambda _event, _message: None)
    outbox = Outbox(sink.key)
    sender = Sender(outbox, sink, status, random.Random(1))
    outcome = Pipeline(Given(batch, is_live=is_live), outbox, sender, status).run(
        threading.Event(), 5.0
    )
    assert (sender.fault, outcome.left) == (None, 0)
    return [tick["symbol"] for tick in sink.payloads], dict(status.dropped)


@pytest.mark.parametrize("is_live", [True, False], ids=["live", "recorded"])
@pytest.mark.parametrize("bad", NO_LABELS.values(), ids=NO_LABELS)
@pytest.mark.parametrize("name", LABELS)
def test_a_tick_with_a_malformed_label_is_dropped_and_counted(
    name: str, bad: Any, is_live: bool
) -> None:
    batch = [make_wire_tick("BTC-USD", **{name: bad}), make_wire_tick("ETH-USD")]
    assert sent_of(batch, is_live=is_live) == (["ETH-USD"], {f"malformed {name}": 1})


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("symbol", "X" * 300),
        ("symbol", "\ud800"),
        ("symbol", 5),
        ("timestamp", "\ud800" * 27),
        ("timestamp", 5),
        ("price", "100"),
        ("volume", float("nan")),
        ("split", "5:1" * 9),
        ("split", 5.0),
        ("folded", 10**4000),
    ],
)
def test_a_tick_with_another_malformed_field_is_dropped_and_counted(name: str, bad: Any) -> None:
    batch = [make_wire_tick(**{name: bad}), make_wire_tick("ETH-USD")]
    assert sent_of(batch) == (["ETH-USD"], {f"malformed {name}": 1})


def test_yahoos_answer_with_an_odd_currency_makes_a_tick_that_is_dropped() -> None:
    meta = {"regularMarketPrice": 1.0, "regularMarketTime": 1_790_000_000}
    for bad in NO_LABELS.values():
        assert flaw_of(yahoo.tick_of("AAPL", meta | {"currency": bad}, None)) is not None
    assert flaw_of(yahoo.tick_of("AAPL", meta | {"currency": "GBp"}, None)) is None
    assert flaw_of(yahoo.tick_of("AAPL", meta, None)) is None


def test_a_pushed_price_whose_symbol_is_none_is_dropped() -> None:
    good, bad = (
        tick_of(frames.pricing(id=name, price=1.0, time=1_790_000_000_000))
        for name in ("AAPL", "A" * 300)
    )
    assert good is not None
    assert bad is not None
    assert (flaw_of(good), flaw_of(bad)) == (None, "malformed symbol")


def test_the_longest_tick_that_passes_has_a_short_line() -> None:
    fields: dict[str, Any] = dict.fromkeys(LABELS, "U" * 64)
    fields |= dict.fromkeys(NUMBERS, HIGHEST_PRICE) | {"volume": HIGHEST_VOLUME}
    fields |= {"split": "999999:999999", "folded": 1_000_000, "bar": "1m", "mode": "backfill"}
    tick = make_wire_tick("A" * 24, sent_at="2026-11-20T15:30:00.000000Z", **fields)
    assert flaw_of(tick) is None
    assert len(line_of(tick).payload) < MOST_LINE_BYTES / 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, HIGHEST_PRICE + 1) for name in NUMBERS if name != "volume"),
        ("volume", HIGHEST_VOLUME + 1),
    ],
)
def test_a_number_that_ingest_refuses_is_malformed(name: str, value: Decimal) -> None:
    changed: dict[str, Any] = {name: value}
    assert flaw_of(make_wire_tick(**changed)) == f"malformed {name}"


@pytest.mark.parametrize(
    ("changed", "flaw"),
    [
        ({}, None),
        ({"price": Decimal(0)}, "price"),
        ({"open": None}, "open"),
        ({"high": Decimal("1e13")}, "high"),
        ({"high": Decimal(1)}, "high"),
        ({"low": Decimal("NaN")}, "low"),
        ({"volume": Decimal(-1)}, "volume"),
        ({"volume": Decimal("1e19")}, "volume"),
        ({"timestamp": "2026-11-20T15:30:01.000000Z"}, "timestamp"),
        ({"bar": "1d"}, "timestamp"),
    ],
)
def test_a_bar_that_ingest_refuses_is_malformed(changed: dict[str, Any], flaw: str | None) -> None:
    prices = dict.fromkeys(("open", "high", "low", "price"), Decimal(100))
    bar = make_wire_tick(**{"bar": "1m", "mode": "backfill", **prices, **changed})
    assert flaw_of(bar) == (None if flaw is None else f"malformed {flaw}")
    assert len(decode(line_of(bar).payload, datetime.now(UTC)).rejected) == (flaw is not None)


def test_a_line_that_is_longer_all_the_same_is_dropped_and_counted() -> None:
    batch = [make_wire_tick(low=Decimal("0." + "1" * 5000)), make_wire_tick("ETH-USD")]
    assert sent_of(batch, is_live=False) == (["ETH-USD"], {"too long": 1})


def test_a_spool_gets_over_lines_that_no_sink_takes(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    spool = Spool(path, "s")
    bad = [
        Line("BTC-USD", b"x" * 3_000_000, is_bar=False),
        Line("X" * 300, b"{}", is_bar=False),
        Line("", b"{}", is_bar=False),
    ]
    good = [make_line("BTC-USD", 1), make_line("ETH-USD", 1)]
    spool.append([*bad, *good], {}, {})
    spool.close()
    spool = Spool(path, "s")
    now = datetime.now(UTC)
    assert [spool.drop_odd_rows(now).lines for _ in range(2)] == [3, 0]
    assert [line.payload for line in spool.after(0, 9)] == [line.payload for line in good]
    assert Outbox(lambda symbol: symbol, spool=spool).pending == 2


def test_noting_what_was_sent_reads_no_line() -> None:
    source = SimpleNamespace(needs_hygiene=False, recorded=False)
    kept = Recollection(
        cast(Any, None),
        Status(lambda _event, _message: None),
        lambda: datetime.now(UTC),
        "yfinance",
        cast(Any, source),
        cast(Any, None),
    )
    stamp = "2026-11-20T15:30:00.000000Z"
    line = msgspec.structs.replace(
        make_line("BTC-USD", timestamp=stamp), payload=b'{"currency":5,\xff'
    )
    kept.taken([Record("BTC-USD", (line,))])
    assert kept._latest == {"BTC-USD": stamp}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world_of(monkeypatch) as made:
        made.track("AAPL", "MSFT")
        yield made


@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
@pytest.mark.parametrize("how", ["number", "surrogate", "huge"])
def test_a_malformed_answer_about_one_symbol_leaves_the_collector_the_others(
    world: World, how: str
) -> None:
    def answer(symbol: str) -> WireTick:
        return msgspec.structs.replace(world.trade(symbol), currency=NO_LABELS[how])

    answers: dict[str, Callable[[str], WireTick]] = {"AAPL": answer}
    world.answers = answers
    container = Container(world, ENVIRONMENT)
    for _ in range(2):
        container.run()
        world.advance(60 - world.now.second - world.now.microsecond / 1e6)
    assert len(world.times("MSFT")) == 8
    assert world.times("AAPL") == []
    assert world.memory["latest"].keys() == {"MSFT"}
