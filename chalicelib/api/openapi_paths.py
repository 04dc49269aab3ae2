"""Paths of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.api import parameters
from chalicelib.api.openapi_forms import ref
from chalicelib.api.openapi_operations import Operation, delete, get, put
from chalicelib.services.market_data.indicator_list import INDICATORS


def _forget() -> Operation:
    made = delete(
        "Stop tracking; stored data remains unless `data` is true.",
        ("symbol_path", *parameters.UNTRACK),
        refusals=(409,),
    )
    content = {"application/json": {"schema": ref("Forgotten")}}
    made["responses"]["200"] = {"description": "With data=true.", "content": content}
    return made


_PAGED = ("start", "end", "limit", "page_token", "sort")


def _described(names: Sequence[str], **entries: str) -> tuple[str, ...]:
    """Return the names in PARAMETERS of a route's parameters; `entries` has those that differ from
    the parameters' own."""
    return tuple(entries.get(name, name) for name in names)


_RANGED = ("symbol_path", *_described(parameters.PRICES, limit="row_limit"))

PATHS: dict[str, dict[str, Operation]] = {
    "/prices": {
        "get": get(
            "Ticks or bars of several symbols, one symbol after the other.",
            "ManyPrices",
            _described(parameters.MANY_PRICES, interval="many_interval", limit="row_limit"),
            refusals=(404, 413),
            csv=True,
        )
    },
    "/prices/{symbol}": {
        "get": get("Ticks or bars of one symbol.", "Prices", _RANGED, refusals=(404, 413), csv=True)
    },
    "/prices/{symbol}/latest": {
        "get": get(
            "The newest tick of one symbol, with both averages and their trend.",
            "Quote",
            ("symbol_path",),
            refusals=(404,),
        )
    },
    "/indicators/{symbol}": {
        "get": get(
            "Indicators as TA-Lib computes them, over a range; at least one is required.",
            "Indicators",
            (*INDICATORS, *_RANGED),
            refusals=(404, 413),
            csv=True,
        )
    },
    "/quality/{symbol}": {
        "get": get(
            "How complete a series is: expected and received minutes, gaps, jumps and delays, over"
            " at most 7 days; without start and end, the last 7.",
            "Quality",
            ("symbol_path", *parameters.QUALITY),
            refusals=(404, 413),
        )
    },
    "/quotes": {"get": get("The newest prices of several symbols.", "Quotes", parameters.QUOTES)},
    "/push": {
        "get": get("How to subscribe to pushed prices.", "Push", refusals=(404,), kept=False)
    },
    "/symbols": {
        "get": get(
            "All symbols, seen or tracked, by symbol.",
            "Symbols",
            _described(parameters.SYMBOLS, limit="symbols_limit"),
            refusals=(413,),
        )
    },
    "/symbols/{symbol}": {
        "get": get(
            "One symbol, with all changes of its source.",
            "Symbol",
            ("symbol_path",),
            refusals=(404,),
        ),
        "put": put(
            "Track a symbol: the producer fetches its history and collects its prices. With a"
            " source, its series continues with that one.",
            "Symbol",
            ("symbol_path",),
            body="SourceGiven",
            needs_body=False,
            refusals=(409, 413),
        ),
        "delete": _forget(),
    },
    "/standby": {
        "post": put(
            "Claim symbols for a source: a standby whose first source is silent, or a first source"
            " that is steady again. For producers.",
            "Claims",
            body="ClaimsGiven",
            statuses=(200,),
            refusals=(413,),
        )
    },
    "/alerts": {
        "get": get(
            "Recorded alerts. Without a symbol and a range: those of the last 31 days. A page ends"
            " before alerts that were held in more than 500 different digests.",
            "Alerts",
            ("symbol", "condition", *_PAGED),
            refusals=(413,),
        )
    },
    "/alerts/{alert_id}": {
        "get": get(
            "One alert, with its deliveries by channel.",
            "DeliveredAlert",
            ("alert_id",),
            refusals=(404,),
        )
    },
    "/rules": {
        "get": get(
            "All rules in force, and stored ones that cannot be read.", "Rules", refusals=(413,)
        ),
        "post": put("Add a rule.", "Rule", body="RuleGiven", statuses=(201,), refusals=(409, 413)),
    },
    "/rules/preview": {
        "post": put(
            "What a rule would have fired over a range; nothing is stored or sent.",
            "Preview",
            body="PreviewGiven",
            statuses=(200,),
            refusals=(404, 413),
        )
    },
    "/rules/{rule_id}": {
        "get": get("One rule.", "Rule", ("rule_id",), refusals=(404, 409)),
        "put": put(
            "Add or replace a rule; a default one is replaced under its id.",
            "Rule",
            ("rule_id",),
            body="RuleGiven",
            refusals=(409, 413),
        ),
        "delete": delete(
            "Delete a rule; a default that it replaced is in force again.",
            ("rule_id",),
            refusals=(404, 409),
        ),
    },
    "/channels": {
        "get": get("All channels, without their addresses.", "Channels"),
        "post": put(
            "Add a channel.", "Channel", body="ChannelGiven", statuses=(201,), refusals=(409, 413)
        ),
    },
    "/push-key": {
        "post": put(
            "The key that browsers subscribe to Web Push with; the first request makes it.",
            "PushKey",
            statuses=(200,),
            refusals=(409,),
        )
    },
    "/channels/{channel_id}": {
        "get": get(
            "One channel, without its address.", "Channel", ("channel_id",), refusals=(404,)
        ),
        "put": put(
            "Change a channel; without address and secret in the request, both are kept.",
            "Channel",
            ("channel_id",),
            body="ChannelChanged",
            statuses=(200,),
            refusals=(404, 409, 413),
        ),
        "delete": delete(
            "Delete a channel. Its undelivered alerts are marked as undeliverable.",
            ("channel_id",),
            refusals=(404, 409),
        ),
    },
    "/channels/{channel_id}/test": {
        "post": put(
            "Send a test alert to one channel.",
            "ChannelTested",
            ("channel_id",),
            statuses=(202,),
            refusals=(404, 409),
        )
    },
    "/mutes": {
        "get": get("The mutes that have not ended.", "Mutes"),
        "post": put(
            "Hold alerts of a symbol, of a rule or of everything back for a time.",
            "Mute",
            body="MuteGiven",
            statuses=(201,),
            refusals=(409, 413),
        ),
    },
    "/mutes/signed": {
        "post": put(
            "Mute what the signed link of a message names; no key is needed.",
            "Mute",
            body="MuteLink",
            statuses=(201,),
            refusals=(409, 413),
        )
    },
    "/mutes/{mute_id}": {
        "delete": delete("Remove a mute.", ("mute_id",), refusals=(404, 409)),
    },
    "/reports": {"get": get("The reports, with their parameters and columns.", "Reports")},
    "/reports/{name}": {
        "post": put(
            "Start a report; poll its run by the returned id.",
            "Started",
            ("report_name",),
            body="ReportGiven",
            statuses=(202,),
            refusals=(404, 413),
        )
    },
    "/reports/runs/{run_id}": {
        "get": get(
            "The state of a run and, once it has succeeded, a page of its rows.",
            "Run",
            ("run_id", "row_limit", "page_token", "format"),
            refusals=(404, 409, 413),
            csv=True,
        )
    },
    "/keys": {
        "get": get("All keys, without their tokens.", "Keys", kept=False),
        "post": put(
            "Create a key. Only this answer contains its token.",
            "KeyMade",
            body="KeyGiven",
            statuses=(201,),
            refusals=(409, 413),
        ),
    },
    "/keys/{key_id}": {
        "delete": delete(
            "Revoke a key; requests with it are refused after at most 5 s.",
            ("key_id",),
            refusals=(404, 409),
        )
    },
    "/health": {
        "get": get(
            "The health of the store, the newest price and the producer.", "Health", kept=False
        )
    },
    "/openapi.json": {"get": get("This document.", "Document")},
}
