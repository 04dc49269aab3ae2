"""The state table: one small item per symbol, written under its version.

Everything except the key, the last timestamp and the two counts is one compact JSON string.
DynamoDB charges by the kilobyte, and nothing queries single fields.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.adapters import packed_rule_states
from chalicelib.adapters.dynamodb import Item, count_of, version_of
from chalicelib.adapters.state_checks import check
from chalicelib.adapters.table_access import TableAccess
from chalicelib.domain.alert_bounds import Told
from chalicelib.domain.alerts import Alert
from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import Opening, State
from chalicelib.domain.splits import Split
from chalicelib.domain.ticks import Tick
from chalicelib.domain.watching import RuleState


class _Tick(msgspec.Struct, array_like=True, omit_defaults=True):
    price: Decimal
    source: str
    mode: str
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    previous_close: Decimal | None = None
    volume: Decimal | None = None
    market_state: str | None = None
    currency: str | None = None
    exchange_timezone: str | None = None


class _Bar(msgspec.Struct, array_like=True, omit_defaults=True):
    start: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    ticks: int
    session_date: str
    source: str
    extended: bool = False


class _Data(msgspec.Struct, omit_defaults=True):
    t: _Tick | None = None
    g: int = 0
    r: tuple[str, _Tick] | None = None
    s: Split | None = None
    e: list[Split] = []
    o: Opening | None = None
    m: _Bar | None = None
    x: _Bar | None = None
    d: _Bar | None = None
    c: list[Decimal] = []
    k: dict[str, str] = {}
    l: dict[str, RuleState] = {}  # noqa: E741 - short names save bytes; only of older versions
    p: list[Alert] = []
    n: Told | None = None


log = logging.getLogger("ticktape.state")

_decoder = msgspec.json.Decoder(_Data)
_encoder = msgspec.json.Encoder(decimal_format="string")


class States(TableAccess):
    """Implements StateStore on DynamoDB."""

    def get(self, symbol: str) -> State | None:
        """See StateStore.get."""
        item = self._read({"symbol": {"S": symbol}})
        return from_item(item) if item else None

    def get_many(self, symbols: Iterable[str]) -> dict[str, State]:
        """See StateStore.get_many."""
        keys = [{"symbol": {"S": symbol}} for symbol in symbols]
        items = self._read_all(keys)
        return {state.symbol: state for state in map(from_item, items)}

    def put(self, state: State) -> bool:
        """See StateStore.put."""
        if state.version:
            return self._put_in_place_of({"N": str(state.version)}, state)
        written = self._write_if(
            Item=to_item(state),
            ConditionExpression="attribute_not_exists(symbol)",
        )
        return written or self._replace_unversioned(state)

    def _replace_unversioned(self, state: State) -> bool:
        """Replace a stored state whose version cannot be read; return whether it was replaced."""
        stored = self._read({"symbol": {"S": state.symbol}})
        if not stored or version_of(stored):
            return False
        return self._put_in_place_of(stored.get("version"), state)

    def _put_in_place_of(self, version: dict[str, Any] | None, state: State) -> bool:
        if version is None:
            given: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(version)"}
        else:
            given = {"ConditionExpression": "version = :v"}
            given["ExpressionAttributeValues"] = {":v": version}
        return self._write_if(Item=to_item(state), **given)


def to_item(state: State) -> Item:
    """Return a state's item. The item's version is one above the state's."""
    data = _Data(
        t=_short_tick(state.last) if state.last else None,
        g=state.gap,
        r=(state.mark.timestamp, _short_tick(state.mark)) if state.mark else None,
        s=state.split,
        e=list(state.splits[:-1]),
        o=state.opening,
        m=_short_bar(state.minute) if state.minute else None,
        x=_short_bar(state.beside) if state.beside else None,
        d=_short_bar(state.day) if state.day else None,
        c=list(state.closes),
        k=packed_rule_states.pack(state.rule_states),
        p=list(state.pending),
        n=state.told,
    )
    return {
        "symbol": {"S": state.symbol},
        "timestamp": {"S": state.last_timestamp or "-"},
        "version": {"N": str(state.version + 1)},
        "data": {"S": _encoder.encode(data).decode()},
        **({"repairs": {"N": str(state.repairs)}} if state.repairs else {}),
    }


def from_item(item: Item) -> State:
    """Return the state of an item.

    If the item cannot be read, the returned state is empty, and `unreadable` has the reason. It
    keeps the item's version and repairs if they can be read.
    """
    try:
        state = _state_of(item)
        check(state)
    except Exception as error:  # noqa: BLE001 - any error must stay within its symbol
        symbol, reason = item["symbol"]["S"], repr(error)[:200]
        log.warning("the state of %s cannot be read: %s", symbol, reason)
        version, repairs = version_of(item), count_of(item, "repairs")
        return State(symbol=symbol, version=version, repairs=repairs, unreadable=reason)
    return state


def _state_of(item: Item) -> State:
    """Return the state of an item. Raises an error of any kind if the item cannot be read."""
    data = _decoder.decode(item["data"]["S"])
    symbol = item["symbol"]["S"]
    version = version_of(item)
    if not version:
        raise ValueError(f"version: {item.get('version')}")
    return State(
        symbol=symbol,
        version=version,
        repairs=count_of(item, "repairs"),
        last=_tick(symbol, item["timestamp"]["S"], data.t) if data.t else None,
        gap=data.g,
        mark=_tick(symbol, *data.r) if data.r else None,
        splits=(*data.e, *([data.s] if data.s else ())),
        opening=data.o,
        minute=_bar(symbol, "1m", data.m) if data.m else None,
        beside=_bar(symbol, "1m", data.x) if data.x else None,
        day=_bar(symbol, "1d", data.d) if data.d else None,
        closes=tuple(data.c),
        rule_states=packed_rule_states.unpack(data.k) or data.l,
        pending=tuple(data.p),
        told=data.n,
    )


def _short_tick(tick: Tick) -> _Tick:
    return _Tick(**{name: getattr(tick, name) for name in _Tick.__struct_fields__})


def _tick(symbol: str, timestamp: str, short: _Tick) -> Tick:
    return Tick(symbol=symbol, timestamp=timestamp, **msgspec.structs.asdict(short))


def _short_bar(bar: Bar) -> _Bar:
    return _Bar(**{name: getattr(bar, name) for name in _Bar.__struct_fields__})


def _bar(symbol: str, interval: str, short: _Bar) -> Bar:
    return Bar(symbol=symbol, interval=interval, closed=False, **msgspec.structs.asdict(short))
