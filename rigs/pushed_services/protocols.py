"""What the stand-ins' protocols have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from rigs.pushed_services.market import Market, Trade

Answer = tuple[int, str]
"""An HTTP status and a body."""


class ServiceProtocol(Protocol):
    """One service's frames and answers. Each connection has its own instance."""

    subscribed: set[str]
    """The service's own names of the symbols that the connection gets."""

    def greeting(self) -> list[str]:
        """Return the frames that the service sends first; by default none."""
        return []

    def answer(self, text: str) -> list[str]:
        """Return the frames that answer a frame of the client."""

    def frame(self, trade: Trade) -> str:
        """Return the frame of a trade."""

    def beat(self, market: Market, now: datetime) -> list[str]:
        """Return the heartbeats of an instant."""

    def rest(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str], market: Market
    ) -> Answer:
        """Answer a request for history."""


def numbers(value: object) -> str:
    """Encode JSON with decimals as numbers, exactly."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{numbers(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(numbers, value)) + "]"
    return json.dumps(value)


def instant(text: str) -> datetime:
    """Parse an RFC 3339 time."""
    return datetime.fromisoformat(text)


def zulu(at: datetime) -> str:
    """Format a UTC time with microseconds and Z."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
