"""Deliveries: the status of an alert on each of its channels, and why an attempt failed."""

from __future__ import annotations

from typing import Literal

import msgspec

from chalicelib.domain.errors import TicktapeError
from chalicelib.domain.times import from_text, to_text

MAX_REASON = 300
"""The most characters of a reason that are stored."""

MAX_ATTEMPTS = 12
"""The most attempts of a round; the last one is made 33 to 66 minutes after the first."""

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 900.0
MAX_RETRY_AFTER_SECONDS = 3600.0
"""The longest wait that a receiver may ask for. Longer waits are cut to this."""

MAX_POSTPONED_SECONDS = 24 * 3600.0
"""How long an attempt may be postponed for lack of time before its delivery ends."""

LONGEST_PAUSE_OF_QUICK_SECONDS = 60.0
LONGEST_PAUSE_OF_DIGESTS_SECONDS = 10.0
"""The longest pauses of postponed attempts on channels that answer quickly, and of postponed
digests on established channels that answer quickly."""

DeliveryStatus = Literal["sending", "waiting", "sent", "dead", "held"]
"""sending: an attempt is under way; waiting: the last attempt failed, and another follows; dead: no
further attempt is made; held: the alert waits for its digest."""


class DeliveryError(TicktapeError):
    """A channel did not accept a message. `reason` is shown to users, so it must contain no
    secret."""

    def __init__(self, reason: str) -> None:
        self.reason = reason[:MAX_REASON]
        super().__init__(self.reason)


class Passing(DeliveryError):  # noqa: N818 - the name of a kind of failure
    """A later attempt may succeed: after a time-out, throttling, or a server error.

    `retry_after` is the number of seconds that the receiver asks to wait; None if it asks for none.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Lasting(DeliveryError):  # noqa: N818 - the name of a kind of failure
    """Every later attempt would fail in the same way: the message or the channel is refused."""


class Ended(Lasting):
    """The receiver has ended the channel's subscription, so nothing can be sent to the address."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One alert on one channel.

    `channel` is the channel's id. `at` is the time of the last attempt, in its stored form. `error`
    is the reason of the last failure; empty after a success. `until` depends on the status: the end
    of the claim (sending), the time of the next attempt (waiting), or the time of the digest
    (held). `reason` says why the alert is held.
    """

    channel: str
    status: DeliveryStatus
    attempts: int
    at: str
    error: str = ""
    until: str = ""
    reason: str = ""


def check_stored(delivery: Delivery) -> None:
    """Raise ValueError if a stored delivery has times that no attempt writes."""
    for written in (delivery.at, delivery.until):
        if written and to_text(from_text(written)) != written:
            raise ValueError(f"{written!r} is not in the stored form")


class Retry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request for a further attempt: the alert, the channel, and the number of attempts so far.

    `since` is the number of attempts before the present round; a redrive begins a round. `dead`
    means that the delivery was marked dead, so that only a redrive requests it. `postponed` is the
    instant, in its stored form, at which the attempt was first postponed in this round; empty if it
    was not. `symbol`, `timestamp` and `rule_id` identify the alert. For a digest they identify its
    head (domain/digests.py), for an agenda's timer the agenda and the instant (domain/agendas.py).
    """

    symbol: str
    timestamp: str
    rule_id: str
    channel: str
    attempts: int = 0
    since: int = 0
    dead: bool = False
    postponed: str = ""


def is_claimed(found: Delivery | None, now: str) -> bool:
    """Return whether another invocation is sending the alert and its claim is still valid."""
    return found is not None and found.status == "sending" and found.until >= now


def is_due(found: Delivery | None, retry: Retry) -> bool:
    """Return whether to follow a request for an attempt. A claim (`is_claimed`) may still prevent
    it.

    A waiting delivery has exactly one valid request, the one with its number of attempts. All other
    requests are repetitions. An expired claim belonged to an invocation that died.
    """
    if found is None or found.status == "sending":
        return True
    if found.status == "waiting":
        return found.attempts == retry.attempts
    return found.status == "dead" and retry.dead


def held(channel: str, now: str, until: str, reason: str) -> Delivery:
    """Return the delivery of an alert that waits for the digest due at `until`."""
    return Delivery(
        channel=channel, status="held", attempts=0, at=now, until=until, reason=reason[:MAX_REASON]
    )


def claim(found: Delivery | None, channel: str, now: str, until: str) -> Delivery:
    """Return the delivery during its next attempt. No other invocation may send before `until`."""
    attempts = found.attempts + 1 if found else 1
    return Delivery(channel=channel, status="sending", attempts=attempts, at=now, until=until)


def ended(claimed: Delivery, status: DeliveryStatus, now: str, error: str = "") -> Delivery:
    """Return a claimed delivery after its attempt."""
    return msgspec.structs.replace(claimed, status=status, at=now, error=error, until="")


def pause_seconds(attempts: int, retry_after: float | None, draw: float) -> float:
    """Return the pause after `attempts` attempts of a round: exponential, with jitter by `draw` (0
    to 1). The pause is at least what the receiver asks for, up to MAX_RETRY_AFTER_SECONDS."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (attempts - 1))
    asked = min(retry_after or 0.0, MAX_RETRY_AFTER_SECONDS)
    return max(longest * (1 + draw) / 2, asked)


def postponed_request(retry: Retry, found: Delivery | None, now: str) -> Retry:
    """Return the request that makes the same attempt later; `now` is in its stored form. A request
    for a dead delivery begins a new round."""
    attempts = found.attempts if found else 0
    if retry.dead:
        retry = msgspec.structs.replace(retry, since=attempts, dead=False, postponed="")
    first = retry.postponed or now
    return msgspec.structs.replace(retry, attempts=attempts, postponed=first)


def postponed_pause_seconds(waited: float, longest: float, draw: float) -> float:
    """Return the pause before an attempt that has been postponed for `waited` seconds: a quarter of
    `waited`, at most `longest`, with jitter by `draw` (0 to 1)."""
    return min(longest, max(FIRST_PAUSE_SECONDS, waited / 4)) * (1 + draw) / 2
