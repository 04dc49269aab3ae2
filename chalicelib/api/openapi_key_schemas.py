"""Schemas of API keys in the OpenAPI document."""

from __future__ import annotations

from chalicelib.api.openapi_forms import FLAG, array, flag, instant, list_of, nullable, record, text
from chalicelib.api.openapi_structs import Schema
from chalicelib.domain.keys import DEFAULT_REQUESTS, MAX_NAME, MOST_REQUESTS, SCOPES

KEY_GIVEN: dict[str, Schema] = {
    "name": text(
        "For people and for the audit log.", minLength=1, maxLength=MAX_NAME, examples=["grafana"]
    ),
    "scopes": array(
        {"type": "string", "enum": list(SCOPES)},
        "What the key may do; admin may do everything.",
        minItems=1,
        examples=[["read"]],
    ),
    "expires_at": nullable(
        text(
            "In the future, and no later than the requesting key expires; null: when it does.",
            format="date-time",
        )
    ),
    "requests_per_minute": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": MOST_REQUESTS,
        "default": DEFAULT_REQUESTS,
        "description": (
            "Per minute of the clock. Expensive requests count as several: a page of folded bars"
            " as up to 3, indicators as 5 to 7, a report or a whole range as 10, a preview as 10"
            " to 22."
            " Above the limit, the answer is 429."
        ),
    },
}

KEY: dict[str, Schema] = {
    "key_id": text("Not a secret.", examples=["9f86d081884c"]),
    **KEY_GIVEN,
    "created_at": nullable(instant("null for the deployment's own key.")),
    "made_by": nullable(
        text("The key that made it, or `command`; null for the first key and if unknown.")
    ),
    "expired": FLAG,
    "in_deployment": flag("Whether it is the deployment's own key, which cannot be revoked here."),
}

KEY_SCHEMAS: dict[str, Schema] = {
    "KeyGiven": record(KEY_GIVEN, required=["name", "scopes"]),
    "KeyMade": record({**KEY, "token": text("Send it as `Authorization: Bearer TOKEN`.")}),
    "Key": record(KEY),
    "Keys": record({"keys": list_of("Key")}),
}
