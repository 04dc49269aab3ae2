"""Compute how far `deliver` and `redeliver` are behind, from the stored latest alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.alerts import StoredAlert
from chalicelib.domain.channels import StoredChannel, receivers
from chalicelib.domain.times import from_text, later, to_text
from chalicelib.event_sources import EVENT_SOURCES
from chalicelib.services.stores import AlertStore, PriceStore

LATEST = 100
"""The most alerts read for one day."""

LONGEST = timedelta(seconds=EVENT_SOURCES["deliver"].maximum_record_age_seconds)
"""An alert that is older than this is no longer in the stream."""


def deliver_lag(
    alerts: AlertStore, prices: PriceStore, channels: Sequence[StoredChannel], now: datetime
) -> int:
    """Return the longest time, in seconds, for which an attempt for one of the latest alerts has
    been due. Return 0 if none is due. This takes a Query for each day within LONGEST. If alerts
    wait for a first attempt, one more Query reads the price of the oldest such alert."""
    days = dict.fromkeys(to_text(at)[:10] for at in (now, now - LONGEST))
    pages = [alerts.by_day(day, None, None, limit=LATEST, descending=True) for day in days]
    latest = [stored for page in pages for stored in page.rows]
    since = [due for stored in latest for due in overdue(stored, now)]
    if untouched := untouched_alerts(latest, channels):
        since.append(_arrival(prices, untouched[-1], now))
    return max((int((now - from_text(each)).total_seconds()) for each in since), default=0)


def overdue(stored: StoredAlert, now: datetime) -> list[str]:
    """Return the instants at which further attempts for an alert were due but not made. If an
    attempt was cut short, its instant is the end of its claim."""
    return [
        one.until
        for one in stored.deliveries
        if one.status in ("sending", "waiting") and one.until and one.until < to_text(now)
    ]


def untouched_alerts(
    latest: Sequence[StoredAlert], channels: Sequence[StoredChannel]
) -> list[StoredAlert]:
    """Return the alerts that wait for a first attempt, newest first, as in `latest`.

    An alert is left out if a newer alert of its symbol was tried. `deliver` gets the alerts of a
    symbol in order. The older alert therefore had no channel or was dead-lettered.
    """
    tried: set[str] = set()
    found = []
    for stored in latest:
        alert = stored.alert
        if stored.deliveries or stored.notified_at:
            tried.add(alert.symbol)
        elif not alert.quiet and alert.symbol not in tried and receivers(alert.channels, channels):
            found.append(stored)
    return found


def _arrival(prices: PriceStore, stored: StoredAlert, now: datetime) -> str:
    """Return the time at which the price of an alert arrived. If the price is not stored, return
    the alert's own time. If the alert is too old to be in the stream, return `now`."""
    alert = stored.alert
    just_before = later(alert.timestamp, microseconds=-1)
    arrival = prices.arrival_after(alert.symbol, just_before) or alert.timestamp
    return arrival if from_text(arrival) >= now - LONGEST else to_text(now)
