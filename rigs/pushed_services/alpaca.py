"""Alpaca's protocol: docs.alpaca.markets, real-time stock data, historical bars and corporate
actions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from rigs.pushed_services.market import Candle, Market, Trade
from rigs.pushed_services.protocols import Answer, instant, numbers

KEY, SECRET = "PKTESTKEY", "made-up-secret"
_LENGTHS = {
    "1Min": timedelta(minutes=1),
    "1Hour": timedelta(hours=1),
    "1Day": timedelta(days=1),
}
_NEW_YORK = timedelta(hours=5)
"""Days start at midnight in New York, this long after that in UTC."""


class AlpacaProtocol:
    """Alpaca's frames and answers. `most` symbols may be subscribed to; pages have `page_size` bars
    or actions. `actions` has rows with symbols for each kind, such as `forward_splits`."""

    def __init__(
        self,
        most: int = 30,
        page_size: int = 10_000,
        actions: Mapping[str, Sequence[Mapping[str, object]]] | None = None,
    ) -> None:
        self._actions = actions or {}
        self._most = most
        self._page_size = page_size
        self._is_authenticated = False
        self.subscribed: set[str] = set()
        self._bars: set[str] = set()
        self._minute = datetime.min.replace(tzinfo=UTC)

    def greeting(self) -> list[str]:
        """See ServiceProtocol.greeting."""
        return ['[{"T":"success","msg":"connected"}]']

    def answer(self, text: str) -> list[str]:
        """See ServiceProtocol.answer."""
        try:
            asked = json.loads(text)
        except ValueError:
            return [_error(400, "invalid syntax")]
        if asked.get("action") == "auth":
            return [self._authenticated(asked)]
        if not self._is_authenticated:
            return [_error(401, "not authenticated")]
        wanted = set(asked.get("trades", ()))
        if asked.get("action") == "subscribe":
            if len(self.subscribed | wanted) > self._most:
                return [_error(405, "symbol limit exceeded")]
            self._bars |= set(asked.get("bars", ()))
            self.subscribed |= wanted
        elif asked.get("action") == "unsubscribe":
            self.subscribed -= wanted
            self._bars -= set(asked.get("bars", ()))
        else:
            return [_error(400, "invalid syntax")]
        told = {"T": "subscription", "trades": sorted(self.subscribed), "quotes": [], "bars": []}
        told["bars"] = sorted(self._bars)
        return [json.dumps([told])]

    def _authenticated(self, asked: Mapping[str, str]) -> str:
        if self._is_authenticated:
            return _error(403, "already authenticated")
        if (asked.get("key"), asked.get("secret")) != (KEY, SECRET):
            return _error(402, "auth failed")
        self._is_authenticated = True
        return '[{"T":"success","msg":"authenticated"}]'

    def frame(self, trade: Trade) -> str:
        """See ServiceProtocol.frame. Messages come in a list, and times have nanoseconds."""
        at = trade.at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"
        told = {
            "T": "t", "S": trade.symbol, "i": trade.number, "x": "V", "p": trade.price,
            "s": trade.size, "c": ["@"], "z": "C", "t": at,
        }  # fmt: skip
        return numbers([told])

    def beat(self, market: Market, now: datetime) -> list[str]:
        """See ServiceProtocol.beat. Instead of heartbeats Alpaca sends a minute's bars after its
        end."""
        length = timedelta(minutes=1)
        minute = now.replace(second=0, microsecond=0)
        before, self._minute = self._minute, minute
        if minute == before:
            return []
        return [
            numbers([{"T": "b", "S": name, **_bar(candle)}])
            for name in sorted(self._bars)
            for candle in market.candles(name, minute - length, minute, length)
        ]

    def rest(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str], market: Market
    ) -> Answer:
        """See ServiceProtocol.rest. Bars and actions come in pages."""
        given = headers.get("APCA-API-KEY-ID"), headers.get("APCA-API-SECRET-KEY")
        if given != (KEY, SECRET):
            return 403, json.dumps({"message": "forbidden."})
        if path == "/v1/corporate-actions":
            return 200, numbers(self._page_of_actions(query))
        match path.strip("/").split("/"):
            case ["v2", "stocks", symbol, "bars"]:
                return self._page_of_bars([symbol], query, market, is_list=True)
            case ["v2", "stocks", "bars"]:
                symbols = sorted(query["symbols"].split(","))
                return self._page_of_bars(symbols, query, market, is_list=False)
            case _:
                return 404, json.dumps({"message": "Not Found"})

    def _page_of_bars(
        self, symbols: Sequence[str], query: Mapping[str, str], market: Market, *, is_list: bool
    ) -> Answer:
        """Return a page of bars by symbol and time. It is one list for a single symbol, else lists
        by symbol."""
        length = _LENGTHS.get(query.get("timeframe", ""))
        if length is None:
            return 400, json.dumps({"message": "invalid timeframe"})
        start, end = instant(query["start"]), instant(query["end"]) + timedelta(microseconds=1)
        after = _NEW_YORK if length == _LENGTHS["1Day"] else timedelta()
        rows = [
            (symbol, _bar(candle, after))
            for symbol in symbols
            for candle in market.candles(symbol, start, end, length)
        ]
        first = int(query.get("page_token", "0"))
        size = min(self._page_size, int(query.get("limit", "1000")))
        page = rows[first : first + size]
        token = str(first + size) if first + size < len(rows) else None
        bars: dict[str, list[dict[str, object]]] = {}
        for symbol, row in page:
            bars.setdefault(symbol, []).append(row)
        told: dict[str, object] = {"bars": bars, "next_page_token": token}
        if is_list:
            told |= {"bars": bars.get(symbols[0]), "symbol": symbols[0]}
        return 200, numbers(told)

    def _page_of_actions(self, query: Mapping[str, str]) -> dict[str, object]:
        """Return a page of the actions of the requested symbols, kinds and dates. By default the
        page has all symbols, all kinds, and today."""
        today = datetime.now(UTC).date().isoformat()
        first_day, last_day = query.get("start", today), query.get("end", today)
        kinds = {f"{kind}s" for kind in query["types"].split(",")} if "types" in query else None
        symbols = query["symbols"].split(",") if "symbols" in query else None
        rows = [
            (kind, row)
            for kind in sorted(self._actions)
            for row in self._actions[kind]
            if (kinds is None or kind in kinds)
            and (symbols is None or row["symbol"] in symbols)
            and first_day <= str(row["ex_date"]) <= last_day
        ]
        first = int(query.get("page_token", "0"))
        page = rows[first : first + self._page_size]
        found: dict[str, list[Mapping[str, object]]] = {}
        for kind, row in page:
            found.setdefault(kind, []).append(row)
        token = str(first + len(page)) if first + len(page) < len(rows) else None
        return {"corporate_actions": found, "next_page_token": token}


def _bar(candle: Candle, after: timedelta = timedelta()) -> dict[str, object]:
    at = (candle.start + after).strftime("%Y-%m-%dT%H:%M:%SZ")
    prices = {"o": candle.open, "h": candle.high, "l": candle.low, "c": candle.close}
    return {"t": at, **prices, "v": candle.volume, "n": 3, "vw": candle.close}


def _error(code: int, message: str) -> str:
    return json.dumps([{"T": "error", "code": code, "msg": message}])
