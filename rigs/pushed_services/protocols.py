"""The interface of the stand-ins' protocols, and functions that they share."""

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
    """The frames and answers of one service. Each connection has its own instance."""

    subscribed: set[str]
    """The service's own names of the symbols that the connection gets."""

    def greeting(self) -> list[str]:
        """Return the frames that the service sends first. By default there are none."""
        return []

    def answer(self, text: str) -> list[str]:
        """Return the frames that answer a frame of the client."""

    def frame(self, trade: Trade) -> str:
        """Return the frame of a trade."""

    def beat(self, market: Market, now: datetime) -> list[str]:
        """Return the heartbeats that are due at an instant."""

    def rest(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str], market: Market
    ) -> Answer:
        """Answer an HTTP request for history."""


def numbers(value: object) -> str:
    """Encode a value as JSON, with decimals as exact numbers."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{numbers(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(numbers, value)) + "]"
    return json.dumps(value)


def instant(text: str) -> datetime:
    """Parse an RFC 3339 time to a datetime."""
    return datetime.fromisoformat(text)


def zulu(at: datetime) -> str:
    """Format a UTC time with microseconds and Z."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
