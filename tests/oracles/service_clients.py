"""What alpaca-py and ccxt read, by the Python of their environment: addresses and questions as JSON
on standard input, answers on standard output.

`alpaca` reads live trades and bars, history and corporate actions with alpaca-py; `ccxt` reads live
trades and history of Coinbase and Binance with ccxt. Prices are floats in both.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import date, datetime
from importlib import import_module
from typing import Any

Asked = dict[str, Any]
TRADES = 3
"""How many live trades each client reads before it leaves."""


def alpaca(asked: Asked) -> Asked:
    """Read all that a stand-in for Alpaca sends."""
    return {
        "refused": _alpaca_refused(asked),
        "history": _alpaca_history(asked),
        "actions": _alpaca_actions(asked),
        **_alpaca_live(asked),
    }


def _alpaca_refused(asked: Asked) -> str:
    try:
        _alpaca_history({**asked, "secret": "wrong"})
    except import_module("alpaca.common.exceptions").APIError as error:
        return str(error.message)
    return "nothing"


def _alpaca_history(asked: Asked) -> list[Any]:
    historical = import_module("alpaca.data.historical")
    frame = import_module("alpaca.data.timeframe").TimeFrame.Minute
    client = historical.StockHistoricalDataClient(
        asked["key"], asked["secret"], url_override=asked["history_url"]
    )
    request = import_module("alpaca.data.requests").StockBarsRequest(
        symbol_or_symbols=asked["symbols"],
        timeframe=frame,
        start=datetime.fromisoformat(asked["start"]),
        end=datetime.fromisoformat(asked["end"]),
    )
    found = client.get_stock_bars(request).data
    return [_bar_of(bar) for name in sorted(found) for bar in found[name]]


def _bar_of(bar: Any) -> list[Any]:
    prices = [bar.open, bar.high, bar.low, bar.close]
    return [bar.symbol, bar.timestamp.timestamp(), *prices, bar.volume]


def _alpaca_actions(asked: Asked) -> list[Any]:
    module = import_module("alpaca.data.historical.corporate_actions")
    client = module.CorporateActionsClient(
        asked["key"], asked["secret"], url_override=asked["history_url"]
    )
    request = import_module("alpaca.data.requests").CorporateActionsRequest(
        symbols=asked["symbols"],
        start=date.fromisoformat(asked["first_day"]),
        end=date.fromisoformat(asked["last_day"]),
    )
    found = client.get_corporate_actions(request).data
    return [json.loads(one.model_dump_json()) for name in sorted(found) for one in found[name]]


def _alpaca_live(asked: Asked) -> Asked:
    module = import_module("alpaca.data.live")
    stream = module.StockDataStream(asked["key"], asked["secret"], url_override=asked["live_url"])
    trades: list[Any] = []
    bars: list[Any] = []

    async def leave() -> None:
        if len(trades) >= TRADES and bars:
            await stream.stop_ws()

    async def on_trade(trade: Any) -> None:
        at = trade.timestamp.timestamp()
        trades.append([trade.symbol, trade.id, at, trade.price, trade.size])
        await leave()

    async def on_bar(bar: Any) -> None:
        bars.append(_bar_of(bar))
        await leave()

    stream.subscribe_trades(on_trade, asked["symbols"][0])
    stream.subscribe_bars(on_bar, asked["symbols"][0])
    stream.run()
    return {"trades": trades, "bars": bars}


async def ccxt(asked: dict[str, Asked]) -> Asked:
    """Read all that stand-ins for exchanges send."""
    found = await asyncio.gather(*(_exchange(name, one) for name, one in asked.items()))
    return dict(zip(asked, found, strict=True))


async def _exchange(name: str, asked: Asked) -> Asked:
    options = {"fetchMarkets": {"types": ["spot"]}}
    made = getattr(import_module("ccxt.pro"), name)({"options": options})
    made.urls["api"]["public"] = asked["history_url"]
    live = made.urls["api"]["ws"]
    made.urls["api"]["ws"] = (
        asked["live_url"] if isinstance(live, str) else {**live, "spot": asked["live_url"]}
    )
    try:
        minutes = await made.fetch_ohlcv(asked["symbol"], "1m", asked["since"], asked["limit"])
        trades: list[Any] = []
        while len(trades) < TRADES:
            trades += await made.watch_trades(asked["symbol"])
    finally:
        await made.close()
    rows = [
        [one["symbol"], one["id"], one["timestamp"], one["price"], one["amount"]] for one in trades
    ]
    return {"history": minutes, "trades": rows}


def main() -> None:
    """Answer."""
    asked = json.load(sys.stdin)
    found = alpaca(asked) if sys.argv[1] == "alpaca" else asyncio.run(ccxt(asked))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
