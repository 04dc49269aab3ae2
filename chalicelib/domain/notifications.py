"""Formats messages as Web Push notifications."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec

from chalicelib.domain.messages import Message

TITLE_CHARACTERS, BODY_CHARACTERS = 200, 800
"""The most characters of a notification's title and text. Even with three bytes per character both
fit into a record."""

MOST_PAYLOAD_BYTES = 3_993
"""The most bytes of a message before encryption: push services accept bodies of 4,096 bytes (RFC
8030, 7.2)."""


def payload(message: Message) -> bytes:
    """Return a message as JSON for the page's service worker (frontend/sw.js).

    `hash` leads to the alert on the page. Links are left out, since notifications show text.
    """
    heading, _, rest = message.text.partition("\n")
    if message.body is not None:
        heading = message.body.heading
        rest = "\n".join(
            f"{line.label}: {line.value}" for line in message.body.lines if not line.is_link
        )
    content = {
        "title": heading[:TITLE_CHARACTERS],
        "body": rest[:BODY_CHARACTERS],
        "tag": message.attributes.get("alert_id", ""),
        "hash": _hash_of(message.attributes),
    }
    return msgspec.json.encode(content)


def _hash_of(attributes: dict[str, str]) -> str:
    kind, symbol = attributes.get("event_type"), attributes.get("symbol")
    if not symbol or kind == "test":
        return ""
    more = {"alert": attributes["alert_id"]} if kind == "alert" else {}
    return "#" + urlencode({"symbol": symbol, **more})
