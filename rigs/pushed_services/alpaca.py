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
    """See ServiceProtocol. `most` symbols may be subscribed to; pages have `page_size` bars or
    actions. `actions` has for each kind, such as `forward_splits`, its rows with symbols."""

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
        """See ServiceProtocol."""
        return ['[{"T":"success","msg":"connected"}]']

    def answer(self, text: str) -> list[str]:
        """See ServiceProtocol."""
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
            self.subscribed |= wanted
            self._bars |= set(asked.get("bars", ()))
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
        """See ServiceProtocol: messages come in a list, times have nanoseconds."""
        at = trade.at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"
        told = {
            "T": "t", "S": trade.symbol, "i": trade.number, "x": "V", "p": trade.price,
            "s": trade.size, "c": ["@"], "z": "C", "t": at,
        }  # fmt: skip
        return numbers([told])

    def beat(self, market: Market, now: datetime) -> list[str]:
        """See ServiceProtocol: no heartbeats, but the bars of a minute after its end."""
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
        """See ServiceProtocol: bars and actions in pages."""
        given = headers.get("APCA-API-KEY-ID"), headers.get("APCA-API-SECRET-KEY")
        if given != (KEY, SECRET):
            return 403, json.dumps({"message": "forbidden."})
        if path == "/v1/corporate-actions":
            return 200, numbers(self._page_of_actions(query))
        parts = path.strip("/").split("/")
        if parts[:2] != ["v2", "stocks"] or parts[3:] != ["bars"]:
            return 404, json.dumps({"message": "Not Found"})
        length = _LENGTHS.get(query.get("timeframe", ""))
        if length is None:
            return 400, json.dumps({"message": "invalid timeframe"})
        start, end = instant(query["start"]), instant(query["end"])
        found = list(market.candles(parts[2], start, end + timedelta(microseconds=1), length))
        first = int(query.get("page_token", "0"))
        size = min(self._page_size, int(query.get("limit", "1000")))
        after = _NEW_YORK if length == _LENGTHS["1Day"] else timedelta()
        rows = [_bar(candle, after) for candle in found[first : first + size]]
        token = str(first + size) if first + size < len(found) else None
        return 200, numbers({"bars": rows or None, "symbol": parts[2], "next_page_token": token})

    def _page_of_actions(self, query: Mapping[str, str]) -> dict[str, object]:
        """Return the actions of the symbols, kinds and dates that are asked for."""
        kinds = {f"{kind}s" for kind in query["types"].split(",")}
        rows = [
            (kind, row)
            for kind in sorted(kinds & self._actions.keys())
            for row in self._actions[kind]
            if row["symbol"] in query["symbols"].split(",")
            and query["start"] <= str(row["ex_date"]) <= query["end"]
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
