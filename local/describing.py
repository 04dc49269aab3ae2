"""Describes the running system's counts in words."""

from __future__ import annotations

from commands.outcomes import counted
from local.counters import Snapshot


def activity(now: Snapshot) -> str:
    """Describe what the source does."""
    if now.stopped:
        return "stopped"
    if not now.source:
        awaited = "new prices" if now.ticks or now.bars else "the first prices"
        return now.state or f"waiting for {awaited}"
    if now.state != "ended":
        return f"{now.source}: {now.state}"
    ended = "the recording ended" if now.source == "replay" else "the producer ended"
    if now.waiting:
        return f"{now.source}: {ended}; {counted(now.waiting, 'record')} still being processed"
    return f"{now.source}: {ended}"


def sent(now: Snapshot) -> str:
    """Describe what the producer has sent."""
    return f"{now.sent:,} ticks and bars"


def stored(now: Snapshot) -> str:
    """Describe the number of stored ticks and bars."""
    return f"{counted(now.ticks, 'tick')} and {counted(now.bars, 'bar')}"


def alerts(now: Snapshot) -> str:
    """Describe the numbers of alerts and of sent messages."""
    return f"{counted(now.alerts, 'alert')}, {counted(now.notified, 'message')}"


def lag(now: Snapshot) -> str:
    """Describe the unprocessed records and the age of the oldest.

    Without the embedded AWS, describe how long the last record waited until it was stored.
    """
    if now.waiting is None:
        return f"stored after {now.age_seconds:.1f} s"
    if not now.waiting:
        return "no records waiting"
    if now.stopped:
        return f"{counted(now.waiting, 'record')} not processed yet"
    return f"{counted(now.waiting, 'record')} waiting, {now.lag_seconds:.1f} s behind"


def quarantined(now: Snapshot) -> str:
    """Describe the number of quarantined records, and why the last one was quarantined."""
    why = f" (last reason: {now.quarantine_reason})" if now.quarantine_reason else ""
    return f"{now.quarantined:,} quarantined{why}"


def summary(now: Snapshot) -> str:
    """Return all counts in one line."""
    parts = [activity(now)]
    if now.sent or now.ticks or now.bars:
        parts += [f"{sent(now)} sent", f"{stored(now)} stored", alerts(now)]
    if now.quarantined:
        parts.append(quarantined(now))
    if now.given_up:
        parts.append(f"{now.given_up:,} dead-lettered")
    return "; ".join([*parts, lag(now)] if now.waiting or now.age_seconds else parts)


def turning_points(now: Snapshot) -> tuple[object, ...]:
    """Return the values whose change is printed at once. Counts that keep growing are left out."""
    is_behind = now.state == "ended" and bool(now.waiting)
    began = (now.ticks > 0, now.bars > 0, now.quarantined > 0)
    return (now.source, now.state, is_behind, now.given_up, *began)
