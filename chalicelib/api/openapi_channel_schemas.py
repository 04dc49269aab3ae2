"""Schemas of channels in the OpenAPI document."""

from __future__ import annotations

from typing import get_args

from chalicelib.api.openapi_forms import array, flag, instant, list_of, nullable, record, text
from chalicelib.api.openapi_structs import Schema
from chalicelib.domain.channel_secrets import (
    ADDRESSED,
    KINDS,
    MAX_ADDRESS,
    SECRET_LENGTH,
    SERVICES,
    WITH_PICTURES,
)
from chalicelib.domain.holding_settings import (
    CLOCK,
    MOST_MESSAGES,
    MOST_MINUTES,
    MOST_QUIET_HOURS,
    Cadence,
)
from chalicelib.domain.keys import MAX_NAME
from chalicelib.domain.quiet_hours import DAYS
from chalicelib.domain.subscriptions import MAX_ENDPOINT
from chalicelib.domain.subscriptions import SERVICES as PUSH_SERVICES

_NAME = text("A name for people, unique among channels.", minLength=1, maxLength=MAX_NAME)
_ENABLED: Schema = flag("Whether anything is sent to it.", default=True)
_DEFAULT: Schema = flag("Whether rules that name no channels send to it.", default=False)
_PICTURE: Schema = flag(
    "Whether a picture of the chart comes with each message; by default true for the"
    f" services that take one, which are {', '.join(sorted(WITH_PICTURES))}."
)
_ADDRESS: Schema = {
    **text(
        "Encrypted, and never returned. For a webhook https://HOST/PATH, else an address of"
        f" apprise with one of the schemes {', '.join(SERVICES)}. Its host must be on the"
        " public internet. A PUT without address and secret keeps both.",
        minLength=1,
        maxLength=MAX_ADDRESS,
        examples=["tgram://123456789:BOT_TOKEN/CHAT_ID"],
    ),
    "writeOnly": True,
}
_SECRET: Schema = {
    **text(
        "The key that signs a webhook's messages, never returned. Send it with the address.",
        minLength=SECRET_LENGTH[0],
        maxLength=SECRET_LENGTH[1],
    ),
    "writeOnly": True,
}
_SUBSCRIPTION: Schema = record(
    {
        "endpoint": text(
            f"An https address of one of the push services {', '.join(PUSH_SERVICES)}.",
            maxLength=MAX_ENDPOINT,
        ),
        "keys": record(
            {
                "p256dh": text("The browser's public key, in base64url."),
                "auth": text("16 bytes in base64url."),
            },
            required=["p256dh", "auth"],
        ),
    },
    "For web_push, instead of an address: what `PushSubscription.toJSON()` returns"
    " in a browser that has subscribed with the key of POST /push-key. Encrypted, and never"
    " returned.",
    required=["endpoint", "keys"],
    writeOnly=True,
)
_TIME_ZONE = text("A time zone of the IANA database.", examples=["Europe/Berlin"])


def _clock(description: str) -> Schema:
    return text(description, pattern=f"^{CLOCK}$", examples=["22:00"])


def _exactly(properties: dict[str, Schema]) -> Schema:
    return record(properties, additionalProperties=False)


HOURS = _exactly(
    {
        "days": array(text(enum=list(DAYS)), "The days on which they start.", minItems=1),
        "start": _clock("HH:MM."),
        "end": _clock("HH:MM; on the next day unless it is after start."),
        "time_zone": _TIME_ZONE,
    }
)
"""The schema of hours that recur by weekday."""

_HOLDING: dict[str, Schema] = {
    "limit": nullable(
        _exactly(
            {
                "messages": {"type": "integer", "minimum": 1, "maximum": MOST_MESSAGES},
                "minutes": {"type": "integer", "minimum": 1, "maximum": MOST_MINUTES},
            }
        )
        | {
            "description": "At most this many messages in a window of minutes; the other alerts"
            " come in one digest at its end. A window begins with its first message."
        }
    ),
    "digest": {
        "description": "When alerts are sent. at_close: 15 minutes after the close of the symbol's"
        " exchange. until_open: at once in trading hours, else at the open.",
        "anyOf": [
            text(enum=list(get_args(Cadence))),
            _exactly({"daily_at": _clock("HH:MM."), "time_zone": _TIME_ZONE}),
            {"type": "null"},
        ],
    },
    "quiet_hours": {
        "type": ["array", "null"],
        "description": "Alerts are held until these hours end. PUT without one of limit, digest"
        " and quiet_hours keeps it, and null switches it off.",
        "maxItems": MOST_QUIET_HOURS,
        "items": HOURS,
    },
}

CHANNEL: dict[str, Schema] = {
    "channel_id": text("`sns` is the stage's topic, which always exists.", examples=["sns"]),
    "name": _NAME,
    "kind": {"type": "string", "enum": list(KINDS)},
    "service": text("The service that its address belongs to.", examples=["Telegram"]),
    "enabled": _ENABLED,
    "default": _DEFAULT,
    "picture": _PICTURE,
    "created_at": nullable(instant("null for the topic.")),
    "ended": nullable(
        text("Why nothing can be sent to it any more; PUT with a new subscription changes that.")
    ),
    **_HOLDING,
}

_GIVEN: dict[str, Schema] = {
    "name": _NAME,
    "kind": {"type": "string", "enum": list(ADDRESSED)},
    "address": _ADDRESS,
    "secret": _SECRET,
    "subscription": _SUBSCRIPTION,
    "enabled": _ENABLED,
    "default": _DEFAULT,
    "picture": _PICTURE,
    **_HOLDING,
}

CHANNEL_SCHEMAS: dict[str, Schema] = {
    "Channel": record(CHANNEL),
    "Channels": record(
        {
            "channels": list_of("Channel"),
            "unreadable": array(
                text(),
                "The ids of stored channels that this version cannot read and that"
                " get no alerts. DELETE removes them.",
            ),
        }
    ),
    "ChannelGiven": record(_GIVEN, required=["name", "kind"]),
    "ChannelChanged": record(
        {
            **_GIVEN,
            "kind": {"type": "string", "enum": list(KINDS), "description": "It cannot be changed."},
        },
        required=["name"],
    ),
    "PushKey": record(
        {
            "public_key": text(
                "The stage's public key (VAPID, RFC 8292) in base64url, as `applicationServerKey`."
            )
        }
    ),
    "ChannelTested": record(
        {
            "alert_id": text(
                "The id of the test alert; GET /alerts/{alert_id} shows its deliveries."
            ),
            "channel_id": text(),
        }
    ),
}
