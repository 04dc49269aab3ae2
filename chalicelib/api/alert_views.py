"""Views of the alerts, with the delivery of each alert on its channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from chalice.app import Response

from chalicelib.api import parameters, rendering
from chalicelib.api.problems import unknown
from chalicelib.api.wiring import Services, caching
from chalicelib.domain.alerts import ALERT_ID, ALERT_ID_ALLOWED, StoredAlert
from chalicelib.domain.digests import Receipt
from chalicelib.domain.messages import machine_form
from chalicelib.domain.rules import Condition
from chalicelib.domain.times import from_text
from chalicelib.services.delivery.receipts import readable, receipts
from chalicelib.services.market_data.freshness import OPEN_CACHE_SECONDS
from chalicelib.services.rules.alert_history import AlertHistory, position_of


def alerts(services: Services, request: Any) -> Response:
    """Return a page of recorded alerts."""
    arguments = parameters.read(request, "/alerts", parameters.ALERTS)
    query = parameters.alert_query(arguments, get_args(Condition))
    found = AlertHistory(services.stores.alerts, services.clock).alerts(query)
    shown, after = readable(found.rows), found.after
    if len(shown) < len(found.rows):
        after = position_of(shown[-1], query.symbol is None)
    token = arguments.next_token([after]) if after else None
    told = receipts(services.stores.alerts.digests, shown)
    rows = [_alert(stored, each) for stored, each in zip(shown, told, strict=True)]
    return rendering.document(
        request,
        {"alerts": rows, "next_page_token": token},
        caching(services, OPEN_CACHE_SECONDS),
        rendering.next_link(arguments, token),
    )


def alert(services: Services, request: Any, alert_id: str) -> Response:
    """Return one alert, with its delivery on each channel."""
    parameters.id_of("alert_id", alert_id, ALERT_ID, ALERT_ID_ALLOWED)
    stored = services.stores.alerts.find(alert_id)
    if stored is None:
        raise unknown("alert", alert_id)
    (told,) = receipts(services.stores.alerts.digests, [stored])
    deliveries = [_delivery(stored, each) for each in told]
    shown = _alert(stored, told) | {"deliveries": deliveries}
    return rendering.document(request, shown, caching(services, OPEN_CACHE_SECONDS))


def _alert(stored: StoredAlert, told: Sequence[Receipt]) -> dict[str, Any]:
    """Return the fields of an alert. `held` lists the channels that hold it. `notified_at` is when
    it was first sent, alone or in a digest."""
    in_digests = [
        each.delivery.at for each in told if each.held_until and each.delivery.status == "sent"
    ]
    notified = [*([stored.notified_at] if stored.notified_at else []), *in_digests]
    held = [
        {"channel": each.delivery.channel, "until": each.held_until, "reason": each.reason}
        for each in told
        if each.delivery.status == "held"
    ]
    return machine_form(stored.alert) | {
        "quiet": stored.alert.quiet or None,
        "held": held,
        "notified_at": min(notified, default=None),
    }


def _delivery(stored: StoredAlert, told: Receipt) -> dict[str, Any]:
    """Return the fields of a delivery. `seconds` is the time from the tick to the last attempt."""
    delivery = told.delivery
    at = from_text(delivery.at)
    waits = delivery.status in ("waiting", "held")
    return {
        "channel": delivery.channel,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "at": delivery.at,
        "seconds": round((at - from_text(stored.alert.timestamp)).total_seconds(), 3),
        "error": delivery.error or None,
        "next_attempt_at": delivery.until if waits else None,
        "held_until": told.held_until,
        "held_reason": told.reason,
    }
