"""Schemas of backtests, made from their structs."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.domain.backtest import Backtest, TradingCosts

Schema = dict[str, Any]

BACKTEST: dict[str, Schema] = msgspec.json.schema_components(
    [Backtest, TradingCosts], ref_template="#/components/schemas/{name}"
)[1]

BACKTEST_GIVEN: Schema = {
    "description": "Also say what followed the fires: true, or how to trade them.",
    "anyOf": [
        {"type": ["boolean", "null"]},
        {"$ref": "#/components/schemas/TradingCosts"},
    ],
}

BACKTESTED: Schema = {
    "description": "What followed the fires, if it was asked for.",
    "anyOf": [{"$ref": "#/components/schemas/Backtest"}, {"type": "null"}],
}
