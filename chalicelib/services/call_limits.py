"""The limits of calls to AWS: timeouts and attempts."""

from __future__ import annotations

import msgspec


class CallLimits(msgspec.Struct, frozen=True):
    """The limits of an AWS client: seconds to connect, seconds to wait for data, and attempts."""

    connect_seconds: float
    read_seconds: float
    attempts: int


USUAL = CallLimits(connect_seconds=3, read_seconds=10, attempts=4)

PUBLISHING = CallLimits(connect_seconds=2, read_seconds=5, attempts=1)
"""The limits for publishing an alert. They are short: if a sender dies, its alert stays claimed for
that long. There is one attempt, since `services/delivery` makes further ones."""
