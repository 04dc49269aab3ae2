"""Binance's protocol: binance-spot-api-docs, web-socket-streams.md and rest-api.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from rigs.pushed_services.market import Candle, Market, Trade
from rigs.pushed_services.protocols import Answer, ServiceProtocol

MOST_CANDLES = 1000
_LENGTHS = {"1m": timedelta(minutes=1), "1h": timedelta(hours=1), "1d": timedelta(days=1)}
_AGGREGATE, _SINGLE = "@aggTrade", "@trade"
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS")


class BinanceProtocol(ServiceProtocol):
    """Binance's frames and answers. The market's symbols have a dash; Binance's have no dash."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self._symbols = {name.replace("-", ""): name for name in symbols}
        self._streams: set[str] = set()
        self.subscribed: set[str] = set()

    def answer(self, text: str) -> list[str]:
        """See ServiceProtocol.answer. Streams of unknown symbols are accepted and stay silent."""
        try:
            asked = json.loads(text)
        except ValueError:
            return [_error(3, "Invalid JSON: expected value at line 1 column 1")]
        if asked.get("method") not in _METHODS:
            return [_error(2, "Invalid request: unknown variant, expected one of SUBSCRIBE")]
        if not isinstance(asked.get("id"), int | str):
            return [
                _error(2, "Invalid request: request ID must be an unsigned integer or a string")
            ]
        if asked["method"] == "LIST_SUBSCRIPTIONS":
            return [json.dumps({"result": sorted(self._streams), "id": asked["id"]})]
        is_more = asked["method"] == "SUBSCRIBE"
        change = self._streams.update if is_more else self._streams.difference_update
        change(asked.get("params", []))
        names = {
            name.removesuffix(stream).upper()
            for name in self._streams
            for stream in (_AGGREGATE, _SINGLE)
            if name.endswith(stream)
        }
        self.subscribed = {self._symbols[name] for name in names if name in self._symbols}
        return [json.dumps({"result": None, "id": asked["id"]})]

    def frame(self, trade: Trade) -> str:
        """See ServiceProtocol.frame. Of a symbol's two streams, only aggregate trades are sent."""
        at = int(trade.at.timestamp() * 1000)
        symbol = trade.symbol.replace("-", "")
        told = {"E": at + 1, "s": symbol, "p": f"{trade.price:.8f}", "q": f"{trade.size:.8f}"}
        told |= {"T": at, "m": True, "M": True}
        stream = symbol.lower()
        if stream + _SINGLE in self._streams and stream + _AGGREGATE not in self._streams:
            return json.dumps({"e": "trade", "t": trade.number, **told})
        orders = {"f": trade.number * 2, "l": trade.number * 2 + 1}
        return json.dumps({"e": "aggTrade", "a": trade.number, **orders, **told})

    def beat(self, market: Market, now: datetime) -> list[str]:
        """See ServiceProtocol.beat. Binance sends ping frames instead, which libraries answer."""
        return []

    def rest(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str], market: Market
    ) -> Answer:
        """See ServiceProtocol.rest. Answers with the symbols, or with klines, the oldest first."""
        if path == "/api/v3/exchangeInfo":
            return 200, json.dumps(
                {"timezone": "UTC", "symbols": [*map(_listed, self._symbols.values())]}
            )
        if path != "/api/v3/klines":
            return 404, ""
        symbol = self._symbols.get(query.get("symbol", ""))
        if symbol is None:
            return 400, json.dumps({"code": -1121, "msg": "Invalid symbol."})
        length = _LENGTHS.get(query.get("interval", ""))
        if length is None:
            return 400, json.dumps({"code": -1120, "msg": "Invalid interval."})
        start = _instant(query.get("startTime", "0"))
        end = _instant(query["endTime"]) if "endTime" in query else datetime.now(UTC)
        found = list(market.candles(symbol, start, end + timedelta(milliseconds=1), length))
        limit = min(MOST_CANDLES, int(query.get("limit", "500")))
        some = found[:limit] if "startTime" in query else found[-limit:]
        return 200, json.dumps([_kline(candle, length) for candle in some])


def _kline(candle: Candle, length: timedelta) -> list[object]:
    at = int(candle.start.timestamp() * 1000)
    prices = [f"{value:.8f}" for value in candle[1:]]
    over = at + int(length.total_seconds() * 1000) - 1
    return [at, *prices, over, "0.0", 12, "0.0", "0.0", "0"]


def _listed(name: str) -> dict[str, object]:
    base, quote = name.split("-")
    step = {"minPrice": "0.01000000", "maxPrice": "1000000.00000000", "tickSize": "0.01000000"}
    lot = {"minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"}
    return {
        "symbol": base + quote,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [{"filterType": "PRICE_FILTER", **step}, {"filterType": "LOT_SIZE", **lot}],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def _instant(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _error(code: int, message: str) -> str:
    return json.dumps({"error": {"code": code, "msg": message}})
