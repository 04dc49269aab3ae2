"""Schemas of channels in the OpenAPI document."""

from __future__ import annotations

from chalicelib.api.openapi_schemas import FLAG, INSTANT, list_of, nullable, record, text
from chalicelib.api.openapi_structs import Schema
from chalicelib.domain.channel_secrets import (
    ADDRESSED,
    KINDS,
    MAX_ADDRESS,
    SECRET_LENGTH,
    SERVICES,
    WITH_PICTURES,
)
from chalicelib.domain.channels import MAX_NAME

_NAME = text("A name for people, unique among channels.", minLength=1, maxLength=MAX_NAME)
_ENABLED: Schema = {**FLAG, "default": True, "description": "Whether anything is sent to it."}
_DEFAULT: Schema = {
    **FLAG,
    "default": False,
    "description": "Whether rules that name no channels send to it.",
}
_PICTURE: Schema = {
    **FLAG,
    "description": "Whether a picture of the chart comes with each message; by default true for the"
    f" services that take one, which are {', '.join(sorted(WITH_PICTURES))}.",
}
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

CHANNEL: dict[str, Schema] = {
    "channel_id": text("`sns` is the stage's topic, which always exists.", examples=["sns"]),
    "name": _NAME,
    "kind": {"type": "string", "enum": list(KINDS)},
    "service": text("The service that its address belongs to.", examples=["Telegram"]),
    "enabled": _ENABLED,
    "default": _DEFAULT,
    "picture": _PICTURE,
    "created_at": nullable({**INSTANT, "description": "null for the topic."}),
}

_GIVEN: dict[str, Schema] = {
    "name": _NAME,
    "kind": {"type": "string", "enum": list(ADDRESSED)},
    "address": _ADDRESS,
    "secret": _SECRET,
    "enabled": _ENABLED,
    "default": _DEFAULT,
    "picture": _PICTURE,
}

CHANNEL_SCHEMAS: dict[str, Schema] = {
    "Channel": record(CHANNEL),
    "Channels": record({"channels": list_of("Channel")}),
    "ChannelGiven": {
        "type": "object",
        "properties": _GIVEN,
        "required": ["name", "kind", "address"],
    },
    "ChannelChanged": {
        "type": "object",
        "properties": {
            **_GIVEN,
            "kind": {"type": "string", "enum": list(KINDS), "description": "It cannot be changed."},
        },
        "required": ["name"],
    },
    "ChannelTested": record(
        {
            "alert_id": text(
                "The id of the test alert; GET /alerts/{alert_id} shows its deliveries."
            ),
            "channel_id": text(),
        }
    ),
}
