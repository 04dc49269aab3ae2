"""Views of the mutes."""

from __future__ import annotations

from typing import Any

import msgspec
from chalice.app import Response

from chalicelib.api import bodies, parameters, rendering
from chalicelib.api.problems import invalid_field
from chalicelib.api.wiring import Services, caching
from chalicelib.domain.mutes import MUTE_ID, MUTE_ID_ALLOWED, Mute

CACHE_SECONDS = 1
"""Short, so that a mute is visible soon after it is made."""


def mutes(services: Services, request: Any) -> Response:
    """List the mutes that have not ended, and the ids of those that cannot be read."""
    mutes, unreadable = services.mutes.listed()
    listed = {"mutes": [shown(mute) for mute in mutes], "unreadable": unreadable}
    return rendering.document(request, listed, caching(services, CACHE_SECONDS))


def create_mute(services: Services, request: Any) -> Response:
    """Store a mute under a new id."""
    return _made(services.mutes.create(bodies.read_object(request)), "mutes")


def follow_link(services: Services, request: Any) -> Response:
    """Store the mute that a signed link of a message names. The link takes the place of a key."""
    given = bodies.read_object(request)
    for name in given:
        if name != "link":
            raise invalid_field(name, given[name], "only the field link")
    return _made(services.mutes.follow(given.get("link")), "../mutes")


def delete_mute(services: Services, _: Any, mute_id: str) -> Response:
    """Remove a mute."""
    services.mutes.remove(parameters.id_of("mute_id", mute_id, MUTE_ID, MUTE_ID_ALLOWED))
    return rendering.empty()


def shown(mute: Mute) -> dict[str, Any]:
    """Return the fields of a mute for an answer."""
    fields = msgspec.structs.asdict(mute)
    del fields["removed"]
    return fields


def _made(mute: Mute, path: str) -> Response:
    location = {"Location": f"{path}/{mute.mute_id}"}
    return rendering.plain(shown(mute), status=201, headers=location)
