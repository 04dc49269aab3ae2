"""Store the rejected parts of a batch: one object of JSON lines for each day of arrival."""

from __future__ import annotations

import base64
import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from chalicelib.domain.times import to_text
from chalicelib.services.ingest.plan import Read, numbers_of
from chalicelib.services.stores import Archive, QuarantinedPart

MOST_REASONS = 100
"""The most reasons that are logged for a batch. Reasons contain values, so every part may have its
own reason."""

log = logging.getLogger("ticktape.ingest")


def quarantine(archive: Archive, reads: Sequence[Read]) -> None:
    """Store and log the rejected parts of a batch, if there are any.

    A part is stored under the day on which its record arrived, whichever batch contains the record.
    """
    bad = [read for read in reads if read.decoded.rejected]
    if not bad:
        return
    _log(bad)
    origin, numbers = reads[0].record.origin, numbers_of(reads)
    for date, parts in _by_date(bad).items():
        archive.put_quarantine(date, origin, numbers, parts)


def last_reason(reads: Sequence[Read]) -> str:
    """Return why the last rejected part was rejected; empty if there is none."""
    reasons = [rejected.reason for read in reads for rejected in read.decoded.rejected]
    return reasons[-1] if reasons else ""


def _by_date(bad: Sequence[Read]) -> Mapping[str, list[QuarantinedPart]]:
    found: dict[str, list[QuarantinedPart]] = defaultdict(list)
    for read in bad:
        arrival = to_text(read.record.arrival)
        found[arrival[:10]] += _parts(read, arrival)
    return found


def _parts(read: Read, arrival: str) -> list[QuarantinedPart]:
    return [
        QuarantinedPart(
            reason=rejected.reason,
            origin=read.record.origin,
            sequence_number=read.record.number,
            part=part,
            line=rejected.line,
            arrived_at=arrival,
            payload=base64.b64encode(rejected.payload).decode(),
        )
        for part, rejected in enumerate(read.decoded.rejected)
    ]


def _log(bad: Sequence[Read]) -> None:
    """Log the MOST_REASONS most frequent reasons, one line each. A line has the number of rejected
    parts and the first of them."""
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for read in bad:
        for part, rejected in enumerate(read.decoded.rejected):
            name = f"{read.record.origin}-{read.record.number}-{part}"
            first.setdefault(rejected.reason, name)
            counts[rejected.reason] += 1
    for reason, count in counts.most_common(MOST_REASONS):
        log.warning("quarantined %d, the first %s: %s", count, first[reason], reason)
    if len(counts) > MOST_REASONS:
        log.warning("quarantined for %d more reasons", len(counts) - MOST_REASONS)
