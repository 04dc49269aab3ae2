"""Paths of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.api import parameters
from chalicelib.api.openapi_forms import ref
from chalicelib.api.openapi_operations import Operation, by_path, delete, get, put
from chalicelib.services.market_data.indicator_list import INDICATORS


def _forget() -> Operation:
    made = delete(
        "Stop tracking; stored data remains unless `data` is true.",
        parameters.UNTRACK,
        refusals=(409,),
    )
    content = {"application/json": {"schema": ref("Forgotten")}}
    made["responses"]["200"] = {"description": "With data=true.", "content": content}
    return made


def _described(names: Sequence[str], **entries: str) -> tuple[str, ...]:
    """Return the names of a route's parameters in PARAMETERS. `entries` has the names that differ
    from the parameters' own names."""
    return tuple(entries.get(name, name) for name in names)


_RANGED = _described(parameters.PRICES, limit="row_limit")

PATHS = by_path(
    {
        "GET /prices": get(
            "Ticks or bars of several symbols, one symbol after the other.",
            "ManyPrices",
            _described(parameters.MANY_PRICES, interval="many_interval", limit="row_limit"),
            refusals=(404, 413),
            csv=True,
        ),
        "GET /prices/{symbol}": get(
            "Ticks or bars of one symbol.", "Prices", _RANGED, refusals=(404, 413), csv=True
        ),
        "GET /prices/{symbol}/latest": get(
            "The newest tick of one symbol, with both averages and their trend.",
            "Quote",
            refusals=(404,),
        ),
        "GET /indicators/{symbol}": get(
            "Indicators as TA-Lib computes them, over a range; at least one is required.",
            "Indicators",
            (*INDICATORS, *_RANGED),
            refusals=(404, 413),
            csv=True,
        ),
        "GET /quality/{symbol}": get(
            "How complete a series is: expected and received minutes, gaps, jumps and delays,"
            " over at most 7 days; without start and end, the last 7.",
            "Quality",
            parameters.QUALITY,
            refusals=(404, 413),
        ),
        "GET /quotes": get("The newest prices of several symbols.", "Quotes", parameters.QUOTES),
        "GET /push": get("How to subscribe to pushed prices.", "Push", refusals=(404,), kept=False),
        "GET /symbols": get(
            "All symbols, seen or tracked, by symbol.",
            "Symbols",
            _described(parameters.SYMBOLS, limit="symbols_limit"),
            refusals=(413,),
        ),
        "GET /symbols/{symbol}": get(
            "One symbol, with all changes of its source.", "Symbol", refusals=(404,)
        ),
        "PUT /symbols/{symbol}": put(
            "Track a symbol: the producer fetches its history and collects its prices. With a"
            " source, its series continues with that one.",
            "Symbol",
            body="SourceGiven",
            needs_body=False,
        ),
        "DELETE /symbols/{symbol}": _forget(),
        "POST /standby": put(
            "Claim symbols for a source: a standby whose first source is silent, or a first"
            " source that is steady again. For producers.",
            "Claims",
            body="ClaimsGiven",
            statuses=(200,),
            refusals=(),
        ),
        "GET /alerts": get(
            "Recorded alerts. Without a symbol and a range: those of the last 31 days. A page"
            " ends before alerts that were held in more than 500 different digests.",
            "Alerts",
            parameters.ALERTS,
            refusals=(413,),
        ),
        "GET /alerts/{alert_id}": get(
            "One alert, with its deliveries by channel.", "DeliveredAlert", refusals=(404,)
        ),
        "GET /rules": get(
            "All rules in force, and stored ones that cannot be read.", "Rules", refusals=(413,)
        ),
        "POST /rules": put("Add a rule.", "Rule", body="RuleGiven", statuses=(201,)),
        "POST /rules/preview": put(
            "What a rule would have fired over a range; nothing is stored or sent.",
            "Preview",
            body="PreviewGiven",
            statuses=(200,),
            refusals=(404,),
        ),
        "GET /rules/{rule_id}": get("One rule.", "Rule", refusals=(404, 409)),
        "PUT /rules/{rule_id}": put(
            "Add or replace a rule; a default one is replaced under its id.",
            "Rule",
            body="RuleGiven",
        ),
        "DELETE /rules/{rule_id}": delete(
            "Delete a rule; a default that it replaced is in force again.", refusals=(404, 409)
        ),
        "GET /channels": get("All channels, without their addresses.", "Channels"),
        "POST /channels": put("Add a channel.", "Channel", body="ChannelGiven", statuses=(201,)),
        "POST /push-key": put(
            "The key that browsers subscribe to Web Push with; the first request makes it.",
            "PushKey",
            statuses=(200,),
        ),
        "GET /channels/{channel_id}": get(
            "One channel, without its address.", "Channel", refusals=(404,)
        ),
        "PUT /channels/{channel_id}": put(
            "Change a channel; without address and secret in the request, both are kept.",
            "Channel",
            body="ChannelChanged",
            statuses=(200,),
            refusals=(404, 409),
        ),
        "DELETE /channels/{channel_id}": delete(
            "Delete a channel. Its undelivered alerts are marked as undeliverable.",
            refusals=(404, 409),
        ),
        "POST /channels/{channel_id}/test": put(
            "Send a test alert to one channel.",
            "ChannelTested",
            statuses=(202,),
            refusals=(404, 409),
        ),
        "GET /mutes": get("The mutes that have not ended.", "Mutes"),
        "POST /mutes": put(
            "Hold alerts of a symbol, of a rule or of everything back for a time.",
            "Mute",
            body="MuteGiven",
            statuses=(201,),
        ),
        "POST /mutes/signed": put(
            "Mute what the signed link of a message names; no key is needed.",
            "Mute",
            body="MuteLink",
            statuses=(201,),
        ),
        "DELETE /mutes/{mute_id}": delete("Remove a mute.", refusals=(404, 409)),
        "GET /reports": get("The reports, with their parameters and columns.", "Reports"),
        "POST /reports/{name}": put(
            "Start a report; poll its run by the returned id.",
            "Started",
            body="ReportGiven",
            statuses=(202,),
            refusals=(404,),
        ),
        "GET /reports/runs/{run_id}": get(
            "The state of a run and, once it has succeeded, a page of its rows.",
            "Run",
            ("row_limit", "page_token", "format"),
            refusals=(404, 409, 413),
            csv=True,
        ),
        "GET /keys": get("All keys, without their tokens.", "Keys", kept=False),
        "POST /keys": put(
            "Create a key. Only this answer contains its token.",
            "KeyMade",
            body="KeyGiven",
            statuses=(201,),
        ),
        "DELETE /keys/{key_id}": delete(
            "Revoke a key; requests with it are refused after at most 5 s.", refusals=(404, 409)
        ),
        "GET /health": get(
            "The health of the store, the newest price and the producer.", "Health", kept=False
        ),
        "GET /openapi.json": get("This document.", "Document"),
    }
)
"""The operations by path and method. The parameters in a path are added to its operations."""
