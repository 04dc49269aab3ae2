"""Schemas of mutes in the OpenAPI document."""

from __future__ import annotations

from chalicelib.api.openapi_channel_schemas import HOURS
from chalicelib.api.openapi_forms import INSTANT, array, instant, list_of, nullable, record, text
from chalicelib.api.openapi_structs import Schema
from chalicelib.domain.keys import MAX_NAME
from chalicelib.domain.mute_links import MAX_LINK
from chalicelib.domain.mutes import MAX_DAYS, UNTIL_OPEN

_RECURRING: Schema = {"oneOf": [HOURS, {"type": "null"}]}
_SYMBOL = nullable(text("null, as is rule_id: everything is muted.", examples=["AAPL"]))
_RULE_ID = nullable(text("Not together with symbol.", examples=["default-cross-5m"]))

MUTE_SCHEMAS: dict[str, Schema] = {
    "Mute": record(
        {
            "mute_id": text(),
            "name": text("For people; may be empty."),
            "symbol": _SYMBOL,
            "rule_id": _RULE_ID,
            "until": nullable(instant("null for a recurring mute.")),
            "recurring": _RECURRING,
            "created_at": INSTANT,
        }
    ),
    "Mutes": record(
        {
            "mutes": list_of("Mute"),
            "unreadable": array(
                text(),
                "The ids of stored mutes that this version cannot read and that mute"
                " nothing. DELETE removes them.",
            ),
        }
    ),
    "MuteGiven": {
        "type": "object",
        "description": "With `until` or `recurring`, one of them.",
        "properties": {
            "symbol": _SYMBOL,
            "rule_id": _RULE_ID,
            "name": text("For people.", maxLength=MAX_NAME, examples=["earnings"]),
            "until": nullable(
                text(
                    f"A date-time at most {MAX_DAYS} days ahead, or `{UNTIL_OPEN}`: the next"
                    " opening of the symbol's market.",
                    examples=[UNTIL_OPEN],
                )
            ),
            "open_of": nullable(
                text(
                    f"Only with `{UNTIL_OPEN}`, for a rule or everything: the symbol whose market"
                    " counts.",
                    examples=["AAPL"],
                )
            ),
            "recurring": _RECURRING,
        },
    },
    "MuteLink": record(
        {"link": text("The text after `#mute=` of a message's link.", maxLength=MAX_LINK)},
        required=["link"],
    ),
}
