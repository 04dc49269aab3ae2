"""Parameters of the OpenAPI document, by the names that paths use to reference them."""

from __future__ import annotations

from typing import Any, get_args

from chalicelib.api.openapi_forms import SYMBOL_GIVEN, text
from chalicelib.api.openapi_structs import Schema
from chalicelib.api.parameters import FLAGS, FORMATS, MANY_INTERVALS, SORTS, WHOLE
from chalicelib.domain.alerts import ALERT_ID_ALLOWED
from chalicelib.domain.channel_ids import CHANNEL_ID_ALLOWED
from chalicelib.domain.keys import KEY_ID_ALLOWED
from chalicelib.domain.mutes import MUTE_ID_ALLOWED
from chalicelib.domain.quality import DEFAULT_JUMP, LEAST_JUMP, MOST_JUMP
from chalicelib.domain.rules import RULE_ID_ALLOWED, Condition
from chalicelib.services.market_data.bar_reading import MOST_STORED
from chalicelib.services.market_data.indicator_list import INDICATORS
from chalicelib.services.market_data.queries import (
    ADJUSTMENTS,
    DEFAULT_LIMIT,
    INTERVALS,
    MAX_LIMIT,
    MAX_QUOTES,
    MOST_WHOLE_ROWS,
    PERIODS,
)

_LIMIT: Schema = {
    "type": "integer",
    "minimum": 1,
    "maximum": MAX_LIMIT,
    "default": DEFAULT_LIMIT,
}
_INSTANT = "A date, an RFC 3339 date-time, or epoch milliseconds."


def _query(name: str, description: str, schema: Schema, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema, **more}


def _path(name: str, description: str, schema: Schema) -> dict[str, Any]:
    found = {"name": name, "in": "path", "required": True}
    return {**found, "description": description, "schema": schema}


def _one_of(values: tuple[str, ...], default: str | None = None) -> Schema:
    return {"type": "string", "enum": list(values), **({"default": default} if default else {})}


PARAMETERS: dict[str, dict[str, Any]] = {
    "symbol_path": _path(
        "symbol",
        "Case-insensitive; percent-encode special characters, as in %5EGSPC.",
        SYMBOL_GIVEN,
    ),
    "interval": _query(
        "interval",
        "Ticks, or bars of an interval. auto: the finest interval with at most 400 rows that "
        "reaches as far back as the others.",
        _one_of(INTERVALS, "auto"),
    ),
    "adjustment": _query(
        "adjustment",
        "Adjusts bars on reading: raw leaves them as they are stored, as without the parameter; "
        "splits multiplies bars from before a split by its factor; all those from before a "
        "dividend, too. Ticks are never adjusted.",
        _one_of(ADJUSTMENTS),
    ),
    "period": _query(
        "period",
        "Back from the newest stored price; cannot be combined with start and end. A period in "
        "days covers at least this number of sessions.",
        _one_of(PERIODS),
    ),
    "start": _query("start", f"{_INSTANT} Inclusive.", text(examples=["2026-11-20"])),
    "end": _query("end", f"{_INSTANT} Exclusive.", text(examples=["2026-11-21"])),
    "limit": _query(
        "limit",
        "The most rows of a page.",
        _LIMIT,
    ),
    "symbols_limit": _query(
        "limit", "The most symbols of a page.", {**_LIMIT, "default": MAX_LIMIT}
    ),
    "row_limit": _query(
        "limit",
        f"The most rows of a page. `{WHOLE}`, and CSV without a limit: the whole range, at most "
        f"{MOST_WHOLE_ROWS:,} rows, made from at most {MOST_STORED:,} stored bars.",
        {"oneOf": [_LIMIT, text(enum=[WHOLE])], "default": DEFAULT_LIMIT},
    ),
    "many_interval": _query(
        "interval", "Ticks, or bars of an interval.", _one_of(MANY_INTERVALS, "1d")
    ),
    "page_token": _query(
        "page_token", "From the answer to the same query; only limit and format may differ.", text()
    ),
    "sort": _query("sort", "Oldest or newest first.", _one_of(SORTS, "asc")),
    "format": _query("format", "CSV contains only the rows.", _one_of(FORMATS, "json")),
    "symbols": _query(
        "symbols",
        f"1 to {MAX_QUOTES} symbols, separated by commas.",
        text(examples=["AAPL,MSFT"], minLength=1),
        required=True,
    ),
    "jump": _query(
        "jump",
        "In percent: a bar is a jump if one of its prices is farther from the close of the bar "
        "before.",
        {
            "type": "number",
            "minimum": float(LEAST_JUMP),
            "maximum": int(MOST_JUMP),
            "default": int(DEFAULT_JUMP),
        },
    ),
    "data": _query(
        "data",
        "true: also delete the symbol's prices, bars, alerts and state. Its rules and its "
        "records in the archive remain.",
        _one_of(FLAGS, "false"),
    ),
    "symbol": _query(
        "symbol",
        "One symbol; without it, all symbols over at most 31 days.",
        text(examples=["AAPL"]),
    ),
    "condition": _query("condition", "One kind of alert.", _one_of(get_args(Condition))),
    "rule_id": _path("rule_id", RULE_ID_ALLOWED, text(pattern="^[A-Za-z0-9_-]{1,64}$")),
    "alert_id": _path("alert_id", ALERT_ID_ALLOWED, text(pattern="^[0-9a-f]{24}$")),
    "channel_id": _path("channel_id", CHANNEL_ID_ALLOWED, text(pattern="^[a-z0-9]{1,32}$")),
    "mute_id": _path("mute_id", MUTE_ID_ALLOWED, text(pattern="^[a-z0-9]{1,32}$")),
    "key_id": _path(
        "key_id", f"{KEY_ID_ALLOWED}; GET /keys lists them.", text(pattern="^[a-z0-9]{1,32}$")
    ),
    "report_name": _path("name", "A name from GET /reports.", text(examples=["top_movers"])),
    "run_id": _path(
        "run_id",
        "From the answer to POST /reports/{name}.",
        text(examples=["acc6612e-6bb6-48a6-9183-12145240c4aa"]),
    ),
    **{name: _query(name, one.allowed, text()) for name, one in INDICATORS.items()},
}
