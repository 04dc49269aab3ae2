"""Deliveries: what became of an alert on each of its channels, and why an attempt failed."""

from __future__ import annotations

from typing import Literal

import msgspec

from chalicelib.domain.errors import TicktapeError

MAX_REASON = 300
"""Characters of a reason that are kept."""

DeliveryStatus = Literal["sending", "waiting", "sent", "dead"]
"""sending: an attempt is under way; waiting: the last one failed, another one follows; dead: no
further attempt is made."""


class DeliveryError(TicktapeError):
    """A channel did not take a message. `reason` is shown to users, so it must hold no secret."""

    def __init__(self, reason: str) -> None:
        self.reason = reason[:MAX_REASON]
        super().__init__(self.reason)


class Passing(DeliveryError):  # noqa: N818 - named as what the failure is
    """A later attempt may succeed: a time-out, throttling, a fault of the server.

    `retry_after` is the number of seconds that the receiver asks to wait; None where it asks
    nothing.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Lasting(DeliveryError):  # noqa: N818 - named as what the failure is
    """Every further attempt would fail in the same way: the message or the channel is refused."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One alert on one channel.

    `channel` is the channel's id. `at` is the time of the last attempt, in its stored form, and
    `error` the reason of the last failure; empty after a success.
    """

    channel: str
    status: DeliveryStatus
    attempts: int
    at: str
    error: str = ""
