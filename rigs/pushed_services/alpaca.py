"""Alpaca's protocol: docs.alpaca.markets, real-time stock data and historical bars."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from rigs.pushed_services.market import Candle, Market, Trade
from rigs.pushed_services.protocols import Answer, instant, numbers

KEY, SECRET = "PKTESTKEY", "made-up-secret"
_LENGTHS = {
    "1Min": timedelta(minutes=1),
    "1Hour": timedelta(hours=1),
    "1Day": timedelta(days=1),
}


class AlpacaProtocol:
    """See ServiceProtocol. `most` symbols may be subscribed to; pages have `page_size` bars."""

    def __init__(self, most: int = 30, page_size: int = 10_000) -> None:
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
        """See ServiceProtocol: bars in pages."""
        given = headers.get("APCA-API-KEY-ID"), headers.get("APCA-API-SECRET-KEY")
        if given != (KEY, SECRET):
            return 403, json.dumps({"message": "forbidden."})
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
        rows = [_bar(candle) for candle in found[first : first + size]]
        token = str(first + size) if first + size < len(found) else None
        return 200, numbers({"bars": rows or None, "symbol": parts[2], "next_page_token": token})


def _bar(candle: Candle) -> dict[str, object]:
    at = candle.start.strftime("%Y-%m-%dT%H:%M:%SZ")
    prices = {"o": candle.open, "h": candle.high, "l": candle.low, "c": candle.close}
    return {"t": at, **prices, "v": candle.volume, "n": 3, "vw": candle.close}


def _error(code: int, message: str) -> str:
    return json.dumps([{"T": "error", "code": code, "msg": message}])
