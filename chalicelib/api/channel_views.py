"""Views of the channels. Their answers never contain an address or a secret."""

from __future__ import annotations

from typing import Any

from chalice.app import Response

from chalicelib.api import bodies, parameters, rendering
from chalicelib.api.wiring import Services, caching
from chalicelib.domain.channel_ids import CHANNEL_ID, CHANNEL_ID_ALLOWED
from chalicelib.domain.channels import shown
from chalicelib.services.delivery.testing import trial

CACHE_SECONDS = 1
"""Short, so that a channel is visible soon after it is written."""


def channels(services: Services, request: Any) -> Response:
    """List all channels, and the ids of those that cannot be read."""
    channels, unreadable = services.channels.listed()
    listed = {"channels": [shown(channel) for channel in channels], "unreadable": unreadable}
    return rendering.document(request, listed, caching(services, CACHE_SECONDS))


def channel(services: Services, request: Any, channel_id: str) -> Response:
    """Return one channel."""
    found = services.channels.find(_id_of(channel_id))
    return rendering.document(request, shown(found), caching(services, CACHE_SECONDS))


def create_channel(services: Services, request: Any) -> Response:
    """Store a channel under a new id."""
    made = services.channels.create(bodies.read_object(request))
    location = {"Location": f"channels/{made.channel_id}"}
    return rendering.plain(shown(made), status=201, headers=location)


def replace_channel(services: Services, request: Any, channel_id: str) -> Response:
    """Change a channel. Its secrets stay unless new ones are given."""
    given = bodies.read_object(request)
    made = services.channels.replace(_id_of(channel_id), given)
    return rendering.plain(shown(made))


def delete_channel(services: Services, _: Any, channel_id: str) -> Response:
    """Delete a channel."""
    services.channels.remove(_id_of(channel_id))
    return rendering.empty()


def try_channel(services: Services, request: Any, channel_id: str) -> Response:
    """Record a test alert for one channel; `deliver` then sends it."""
    bodies.refuse_body(request)
    found = services.channels.find(_id_of(channel_id))
    alert = trial(found, services.clock())
    services.stores.alerts.record_all([alert], "UTC")
    answer = {"alert_id": alert.alert_id, "channel_id": found.channel_id}
    location = {"Location": f"../../alerts/{alert.alert_id}"}
    return rendering.plain(answer, status=202, headers=location)


def push_key(services: Services, request: Any) -> Response:
    """Return the public key with which browsers subscribe. The first request makes the key."""
    bodies.refuse_body(request)
    return rendering.plain({"public_key": services.channels.push_key()})


def _id_of(channel_id: str) -> str:
    return parameters.id_of("channel_id", channel_id, CHANNEL_ID, CHANNEL_ID_ALLOWED)
