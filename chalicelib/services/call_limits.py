"""Timeouts and attempts of calls to AWS."""

from __future__ import annotations

import msgspec


class CallLimits(msgspec.Struct, frozen=True):
    """A client's limits: seconds to connect and to wait for data, and attempts in all."""

    connect_seconds: float
    read_seconds: float
    attempts: int


USUAL = CallLimits(connect_seconds=3, read_seconds=10, attempts=4)

PUBLISHING = CallLimits(connect_seconds=2, read_seconds=5, attempts=1)
"""The limits of publishing an alert. Short, since an alert stays claimed that long after its sender
has died; a single attempt, since `services/delivery` makes the further ones."""
