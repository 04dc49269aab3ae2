"""Streams of records for hypothesis: several symbols, packed, with repeats, disorder and poison."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from tests.factories import payload, wire
from tests.faults.world import Faults

SYMBOLS = ("BTC-USD", "ETH-USD", "DOGE-USD")
"""Traded round the clock, so that sessions are UTC days for the oracle too."""

GAPS = (0.1, 0.1, 1.3, 1.3, 20.7, 61.9, 600.3, 3700.1, 90000.7)
POISON = (b"\x00\xff", b"{", b'{"symbol": "BTC-USD"}', b'{"symbol": "B/D", "price": 1}', b"null")


class Scenario(msgspec.Struct, frozen=True):
    """The records to deliver, how, and the faults. `records` are (symbol, payload)."""

    records: tuple[tuple[str, bytes], ...]
    kind: str
    shards: int
    splits: bool
    faults: Faults
    page_items: int
    seed: int
    warm: int = 0

    @property
    def payloads(self) -> list[bytes]:
        """Return the records' payloads."""
        return [data for _, data in self.records]


@st.composite
def _series(draw: st.DrawFn, symbol: str) -> list[tuple[str, bytes]]:
    """A symbol's records, in order of time."""
    steps = draw(st.lists(st.tuples(st.sampled_from(GAPS), st.integers(-3, 3)), max_size=30))
    sizes = st.one_of(st.integers(1, 4), st.just(30))
    packing = draw(st.lists(sizes, min_size=1, max_size=8))
    ticks: list[dict[str, Any]] = []
    seconds, price, volume = 0.05, 100, 0
    for gap, move in steps:
        seconds, price, volume = seconds + gap, max(90, price + move), volume + 10 * abs(move)
        ticks.append(wire(price, seconds, symbol=symbol, previous_close=100, volume=volume))
    records: list[tuple[str, bytes]] = []
    while ticks:
        size = packing[len(records) % len(packing)]
        records.append((symbol, payload(*ticks[:size])))
        ticks = ticks[size:]
    return records


def _woven(series: list[list[tuple[str, bytes]]], order: list[int]) -> list[tuple[str, bytes]]:
    """All symbols' records in one sequence, each symbol's in order."""
    left = [list(records) for records in series if records]
    woven: list[tuple[str, bytes]] = []
    while left:
        chosen = left[order[len(woven) % len(order)] % len(left)]
        woven.append(chosen.pop(0))
        left = [records for records in left if records]
    return woven


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Any scenario."""
    source = draw(st.sampled_from(["kinesis", "sqs"]))
    count = draw(st.integers(1, len(SYMBOLS)))
    series = [draw(_series(symbol)) for symbol in SYMBOLS[:count]]
    records = _woven(series, draw(st.lists(st.integers(0, 2), min_size=1, max_size=8)))
    for kind, where, what in draw(st.lists(_oddities, max_size=5)):
        if not records:
            break
        at = where % len(records)
        if kind == "poison":
            texts = POISON if source == "kinesis" else POISON[1:]  # messages are text
            records.insert(at, (records[at][0], texts[what % len(texts)]))
        elif kind == "repeat":
            records.insert(min(at + what, len(records)), records[at])
        elif kind == "part of it again":
            symbol, data = records[at]
            records.insert(min(at + 1 + what, len(records)), (symbol, data.split(b"\n")[-1]))
        else:
            late = records.pop(at)
            records.insert(min(at + what, len(records)), late)
    rate = st.sampled_from([0.0, 0.02, 0.1])
    return Scenario(
        records=tuple(records),
        kind=source,
        shards=draw(st.integers(1, 2)),
        splits=draw(st.booleans()),
        faults=Faults(
            most=draw(st.integers(0, 12)),
            crash=draw(rate),
            refused=draw(rate),
            lost=draw(rate),
            withheld=draw(st.sampled_from([0.0, 0.1, 0.5])),
        ),
        page_items=draw(st.sampled_from([3, 7, 1000])),
        seed=draw(st.integers(0, 2**32)),
        warm=draw(st.integers(0, 3)),
    )


_oddities = st.tuples(
    st.sampled_from(["poison", "repeat", "part of it again", "late"]),
    st.integers(0, 100),
    st.integers(0, 12),
)
