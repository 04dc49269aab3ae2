"""The view that says how to subscribe to pushed prices."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from chalice.app import Response
from msgspec import Meta

from chalicelib.api import rendering
from chalicelib.api.problems import Problem
from chalicelib.api.wiring import Services


class Push(msgspec.Struct, frozen=True):
    """How to subscribe to pushed prices."""

    socket: Annotated[
        str,
        Meta(
            description="The address of the WebSocket, with the protocol of AWS AppSync Events.",
            examples=["wss://example.appsync-realtime-api.us-east-1.amazonaws.com/event/realtime"],
        ),
    ]
    authorization: Annotated[
        dict[str, str],
        Meta(description="What the subprotocol `header-...` and each subscription contain."),
    ]
    channels: Annotated[
        int,
        Meta(
            description="Symbols are pushed on `/ticktape/prices/N`, where N is the FNV-1a hash of "
            "the symbol modulo this number.",
            ge=1,
        ),
    ]


def push(services: Services, _: Any) -> Response:
    """Return how to subscribe. The returned key permits only subscribing. If reading needs a key,
    so does this request. Raises Problem if the stage pushes no prices."""
    settings = services.settings
    if not settings.push_socket:
        raise Problem(404, "prices are not pushed here; poll GET /quotes")
    authorization = {"host": urlsplit(settings.push_url).netloc, "x-api-key": settings.push_key}
    found = Push(settings.push_socket, authorization, settings.push_channels)
    return rendering.plain(found)
