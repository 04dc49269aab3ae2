"""Deliveries: what became of an alert on each of its channels, and why an attempt failed."""

from __future__ import annotations

from typing import Literal

import msgspec

from chalicelib.domain.errors import TicktapeError

MAX_REASON = 300
"""Characters of a reason that are kept."""

MAX_ATTEMPTS = 12
"""Attempts of a round; the last one is made some 80 minutes after the first."""

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 900.0
MAX_RETRY_AFTER_SECONDS = 3600.0
"""A receiver that asks for a longer wait is tried after this one."""

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


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One alert on one channel.

    `channel` is the channel's id. `at` is the time of the last attempt, in its stored form, and
    `error` the reason of the last failure; empty after a success. `until` is the end of the claim
    while it is sending, and the time of the next attempt while it waits.
    """

    channel: str
    status: DeliveryStatus
    attempts: int
    at: str
    error: str = ""
    until: str = ""


class Retry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A further attempt that is due: which alert, on which channel, after how many attempts.

    `since` is the number of attempts before the present round, which a redrive begins. `dead` says
    that the delivery was marked dead, so that only a redrive asks for it.
    """

    symbol: str
    timestamp: str
    rule_id: str
    channel: str
    attempts: int = 0
    since: int = 0
    dead: bool = False


def is_held(found: Delivery | None, now: str) -> bool:
    """Whether another invocation is sending, and its claim has not ended."""
    return found is not None and found.status == "sending" and found.until >= now


def is_due(found: Delivery | None, retry: Retry) -> bool:
    """Whether a request for an attempt is to be followed, unless the delivery is held.

    A delivery that waits has exactly one request that counts, the one with its number of attempts;
    others are repetitions. A claim that has ended belonged to an invocation that died.
    """
    if found is None or found.status == "sending":
        return True
    if found.status == "waiting":
        return found.attempts == retry.attempts
    return found.status == "dead" and retry.dead


def claim(found: Delivery | None, channel: str, now: str, until: str) -> Delivery:
    """The delivery while its next attempt is under way; nobody else may try before `until`."""
    attempts = found.attempts + 1 if found else 1
    return Delivery(channel=channel, status="sending", attempts=attempts, at=now, until=until)


def ended(claimed: Delivery, status: DeliveryStatus, now: str, error: str = "") -> Delivery:
    """The delivery after an attempt."""
    return msgspec.structs.replace(claimed, status=status, at=now, error=error, until="")


def pause_seconds(attempts: int, retry_after: float | None, draw: float) -> float:
    """How long to wait after so many attempts of a round: exponential with jitter, which `draw`,
    from 0 to 1, decides; no less than the receiver asks for, up to MAX_RETRY_AFTER_SECONDS."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (attempts - 1))
    asked = min(retry_after or 0.0, MAX_RETRY_AFTER_SECONDS)
    return max(longest * (1 + draw) / 2, asked)
