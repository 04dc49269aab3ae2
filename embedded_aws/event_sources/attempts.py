"""Decides which records are done, retried, split or dead-lettered after a handler's answer.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from embedded_aws.event_sources.records import StreamRecord
from embedded_aws.event_sources.settings import Source

Condition = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]
Backoff = Callable[[int], float]


class Attempt(msgspec.Struct, frozen=True):
    """Records to pass to the handler together, the number of attempts so far, and the epoch second
    before which to wait."""

    records: tuple[StreamRecord, ...]
    retries: int = 0
    invocations: int = 0
    not_before: float = 0.0


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of an attempt. `first_failed` is the index of the first failed record, or None.

    `reported` is False if the function raised an error instead of reporting; `error` is its text.
    """

    first_failed: int | None
    reported: bool = True
    error: str = ""


class GivenUp(msgspec.Struct, frozen=True):
    """Records that will not be retried because of `condition`, and the last error."""

    records: tuple[StreamRecord, ...]
    condition: Condition
    invocations: int
    error: str


class Settled(msgspec.Struct, frozen=True):
    """What follows from an outcome. The attempts `again` are in order and precede newer records."""

    done: tuple[StreamRecord, ...] = ()
    again: tuple[Attempt, ...] = ()
    given_up: tuple[GivenUp, ...] = ()


def read_response(response: Any, sequence_numbers: Sequence[str]) -> Outcome:
    """Return the outcome that a handler's return value reports for a stream's batch.

    The lowest failed sequence number counts. None, an empty object or an empty list means success.
    An unknown or missing identifier means that the whole batch failed.
    """
    positions = {number: index for index, number in enumerate(sequence_numbers)}
    indexes = [positions.get(identifier, -1) for identifier in failed_identifiers(response)]
    return Outcome(max(min(indexes), 0)) if indexes else Outcome(None)


def failed_identifiers(response: Any) -> list[str]:
    """Return the identifiers in a handler's answer. A missing identifier becomes an empty text."""
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    named = [f.get("itemIdentifier") if isinstance(f, dict) else None for f in failures or ()]
    return [name if isinstance(name, str) else "" for name in named]


def exponential(first_seconds: float = 0.2, longest_seconds: float = 30.0) -> Backoff:
    """Return a function that gives the seconds to wait before a retry. They double with each retry,
    up to `longest_seconds`."""
    return lambda retries: min(first_seconds * 2.0 ** min(retries, 30), longest_seconds)


def settle(
    attempt: Attempt, outcome: Outcome, source: Source, now: float, backoff: Backoff
) -> Settled:
    """Decide what follows from the outcome of an attempt. `now` is in epoch seconds.

    With `bisect` a failed batch is split: at the reported record, or in half if the function raised
    an error. A split does not count as a retry. If the very first record is reported, nothing can
    be split, so it is a retry. The age of records is checked only after a failure, since a system
    that was off for a day has not failed.
    """
    if outcome.first_failed is None:
        return Settled(done=attempt.records)
    done, rest = attempt.records[: outcome.first_failed], attempt.records[outcome.first_failed :]
    invocations = attempt.invocations + 1
    too_old, rest = _split_by_age(rest, source.maximum_record_age_seconds, now)
    given_up = [GivenUp(too_old, "RecordAgeExceeded", invocations, outcome.error)]
    again: list[Attempt] = []
    if source.bisect and (done or not outcome.reported) and len(attempt.records) > 1:
        parts = [rest] if outcome.reported else [rest[: len(rest) // 2], rest[len(rest) // 2 :]]
        wait = now + backoff(attempt.retries)
        again = [Attempt(part, attempt.retries, invocations, wait) for part in parts]
    elif 0 <= source.maximum_retries <= attempt.retries:
        given_up.append(GivenUp(rest, "RetryAttemptsExhausted", invocations, outcome.error))
    else:
        wait = now + backoff(attempt.retries)
        again = [Attempt(rest, attempt.retries + 1, invocations, wait)]
    return Settled(
        done, tuple(a for a in again if a.records), tuple(g for g in given_up if g.records)
    )


def _split_by_age(
    records: tuple[StreamRecord, ...], longest_seconds: int, now: float
) -> tuple[tuple[StreamRecord, ...], tuple[StreamRecord, ...]]:
    if longest_seconds < 0:
        return (), records
    young = next(
        (i for i, r in enumerate(records) if now - r.arrived <= longest_seconds), len(records)
    )
    return records[:young], records[young:]
