"""How long a call to AWS may take with its timeouts, its retries and the pauses between them."""

from __future__ import annotations

import msgspec

THROTTLED_PAUSE_SECONDS = 1
LONGEST_PAUSE_SECONDS = 20
"""botocore's pauses in its mode `standard`: up to 1 s after the first attempt that was throttled,
twice as long after each further one."""

RETRY_AFTER_SECONDS = 5
"""What an answer's header x-amz-retry-after may add to a pause."""


class CallLimits(msgspec.Struct, frozen=True):
    """A client's limits: seconds to connect and to wait for data, and attempts in all."""

    connect_seconds: float
    read_seconds: float
    attempts: int

    @property
    def longest_seconds(self) -> float:
        """After this many seconds a call has returned or raised.

        It reckons with a host of one address and an answer that comes in one piece.
        """
        waits = self.attempts * (self.connect_seconds + self.read_seconds)
        return waits + sum(_longest_pause(made) for made in range(self.attempts - 1))


def _longest_pause(made: int) -> float:
    throttled = float(THROTTLED_PAUSE_SECONDS << made)
    return min(throttled, LONGEST_PAUSE_SECONDS) + RETRY_AFTER_SECONDS


USUAL = CallLimits(connect_seconds=3, read_seconds=10, attempts=4)

PUBLISHING = CallLimits(connect_seconds=2, read_seconds=5, attempts=1)
"""Short, since an alert stays claimed that long after its sender has died, and a single attempt:
`services/delivery` makes the further ones."""
