"""Coinbase Exchange's protocol: docs.cdp.coinbase.com/exchange/websocket-feed and rest-api."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from rigs.pushed_services.market import Market, Trade
from rigs.pushed_services.protocols import Answer, ServiceProtocol, instant, numbers, zulu

MOST_CANDLES = 300
_GRANULARITIES = (60, 300, 900, 3600, 21600, 86400)


class CoinbaseProtocol(ServiceProtocol):
    """Coinbase's frames and answers. Coinbase waits five seconds for a subscription."""

    def __init__(self, products: tuple[str, ...]) -> None:
        self._products = products
        self._channels: dict[str, set[str]] = {}
        self._sequence = 50
        self.subscribed: set[str] = set()

    def answer(self, text: str) -> list[str]:
        """See ServiceProtocol.answer."""
        try:
            asked = json.loads(text)
        except ValueError:
            return [_error("Malformed JSON")]
        kind = asked.get("type")
        if kind not in ("subscribe", "unsubscribe"):
            return [_error(f"Type has to be either subscribe or unsubscribe, not {kind}")]
        wanted = asked.get("product_ids", [])
        for name in wanted:
            if name not in self._products:
                return [_error("Failed to subscribe", f"{name} is not a valid product")]
        for channel in asked.get("channels", []):
            name = channel if isinstance(channel, str) else channel["name"]
            ids = wanted if isinstance(channel, str) else channel.get("product_ids", wanted)
            held = self._channels.setdefault(name, set())
            held.update(ids) if kind == "subscribe" else held.difference_update(ids)
        self.subscribed = set(self._channels.get("matches", ()))
        channels = [
            {"name": name, "product_ids": sorted(ids), "account_ids": None}
            for name, ids in self._channels.items()
        ]
        return [json.dumps({"type": "subscriptions", "channels": channels})]

    def frame(self, trade: Trade) -> str:
        """See ServiceProtocol.frame."""
        self._sequence += 3
        return json.dumps(
            {
                "type": "match",
                "trade_id": trade.number,
                "maker_order_id": "ac928c66-ca53-498f-9c13-a110027a60e8",
                "taker_order_id": "132fb6ae-456b-4654-b4e0-d681ac05cea1",
                "side": "sell",
                "size": str(trade.size),
                "price": str(trade.price),
                "product_id": trade.symbol,
                "sequence": self._sequence,
                "time": zulu(trade.at),
            }
        )

    def beat(self, market: Market, now: datetime) -> list[str]:
        """See ServiceProtocol.beat. Coinbase sends one heartbeat a second for each product."""
        return [
            json.dumps(
                {
                    "type": "heartbeat",
                    "last_trade_id": market.trades[name][-1].number,
                    "product_id": name,
                    "sequence": self._sequence,
                    "time": zulu(now),
                }
            )
            for name in sorted(self._channels.get("heartbeat", ()))
            if market.trades.get(name)
        ]

    def rest(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str], market: Market
    ) -> Answer:
        """See ServiceProtocol.rest. Answers with products, their currencies, or their candles."""
        match path.strip("/").split("/"):
            case ["products"]:
                return 200, json.dumps([*map(_product, self._products)])
            case ["currencies"]:
                names = {name for product in self._products for name in product.split("-")}
                return 200, json.dumps([*map(_currency, sorted(names))])
            case ["products", product, "candles"] if product in self._products:
                return self._candles(product, query, market)
            case _:
                return 404, json.dumps({"message": "NotFound"})

    def _candles(self, product: str, query: Mapping[str, str], market: Market) -> Answer:
        """Return a status and candles, the newest first, without empty ones. The status is 400 for
        a request that Coinbase refuses."""
        seconds = int(query.get("granularity", "0"))
        if seconds not in _GRANULARITIES:
            return 400, json.dumps({"message": "Unsupported granularity"})
        length = timedelta(seconds=seconds)
        end = instant(query["end"]) if "end" in query else datetime.now(UTC)
        first = end - length * (MOST_CANDLES - 1)
        start = instant(query["start"]) if "start" in query else first
        if (end - start) // length + 1 > MOST_CANDLES:
            told = "granularity too small for the requested time range. "
            return 400, json.dumps(
                {"message": told + "Count of aggregations requested exceeds 300"}
            )
        found = market.candles(product, start, end + timedelta(microseconds=1), length)
        rows = [[int(c.start.timestamp()), c.low, c.high, c.open, c.close, c.volume] for c in found]
        return 200, numbers(rows[::-1])


def _product(name: str) -> dict[str, object]:
    base, quote = name.split("-")
    flags = ("margin_enabled", "post_only", "limit_only", "cancel_only", "trading_disabled")
    return {
        "id": name,
        "base_currency": base,
        "quote_currency": quote,
        "quote_increment": "0.01",
        "base_increment": "0.00000001",
        "display_name": f"{base}/{quote}",
        "min_market_funds": "1",
        **dict.fromkeys(flags, False),
        "status": "online",
        "status_message": "",
    }


def _currency(name: str) -> dict[str, object]:
    return {"id": name, "name": name, "status": "online", "max_precision": "0.00000001"}


def _error(message: str, reason: str | None = None) -> str:
    told = {"type": "error", "message": message}
    return json.dumps(told | ({"reason": reason} if reason else {}))
