"""Composes the messages of alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

from chalicelib.domain.alerts import SIMULATED_MARK, TEST_CONDITION, Alert
from chalicelib.domain.message_forms import Body, Line, render
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import from_text, to_text

SUBJECT_LIMIT = 99
"""SNS accepts subjects of fewer than 100 printable ASCII characters."""

_CENT = Decimal("0.01")


Picture = Callable[[], bytes | None]
"""Returns a picture as PNG; None if there is none. The first call may take a few seconds."""


class Message(msgspec.Struct, frozen=True):
    """One notification: subject and text for people, `data` and `attributes` for machines.

    `several` has attributes with several values, of which a filter needs to match only one. If they
    do not all fit, the first attributes and values are kept. `body` has the contents of `text` for
    channels that have Markdown or HTML; None if there is only text. `picture` is for channels that
    take pictures; None if the message has none.
    """

    subject: str
    text: str
    sms: str
    data: str
    attributes: dict[str, str]
    several: dict[str, tuple[str, ...]] = {}  # copied by msgspec
    body: Body | None = None
    picture: Picture | None = None


def compose(
    alert: Alert, exchange_timezone: str | None, page_url: str, mute: Line | None = None
) -> Message:
    """Return the message of an alert, with the time in the exchange's time zone. `mute` is the line
    with the link that mutes the alert."""
    mark = SIMULATED_MARK if alert.simulated else ""
    when = _local_time(alert, exchange_timezone)
    body = Body(mark + alert.message, _lines(alert, when, page_url, mute))
    return Message(
        subject=_ascii(body.heading)[:SUBJECT_LIMIT],
        text=render(body, "text"),
        sms=_ascii(f"{body.heading}, {when}")[:140],
        data=msgspec.json.encode(machine_form(alert)).decode(),
        attributes={
            "symbol": alert.symbol,
            "condition": alert.condition,
            "event_type": "test" if alert.condition == TEST_CONDITION else "alert",
            "alert_id": alert.alert_id,
            "source": alert.source,
            "severity": alert.severity,
        },
        body=body,
    )


def fitting(values: Iterable[str], most_bytes: int) -> tuple[str, ...]:
    """Return the first distinct values that together fit into `most_bytes` as a JSON array."""
    found: list[str] = []
    left = most_bytes - len("[")  # a comma or bracket follows each value
    for value in dict.fromkeys(values):
        left -= len(value.encode()) + len('"",')
        if left < 0:
            break
        found.append(value)
    return tuple(found)


def _lines(alert: Alert, when: str, page_url: str, mute: Line | None) -> tuple[Line, ...]:
    lines = [Line("Time", when)]
    if "change_percent" in alert.values:
        percent = signed(alert.values["change_percent"])
        change = f"{_difference(alert.values.get('change'))} ({percent}%)"
        lines.append(Line("Price", f"{plain(alert.price)}, {change} against the previous close"))
    averages = [
        f"{name.upper().replace('_', '-')} {plain(value)}"
        for name, value in alert.values.items()
        if name.startswith("sma_")
    ]
    if averages:
        lines.append(Line("Averages", ", ".join(averages)))
    if page_url:
        lines.append(Line("Chart", _address(alert, page_url), is_link=True))
    if mute is not None:
        lines.append(mute)
    lines.append(Line("Source", f"{alert.source}. Informational only; not investment advice."))
    return tuple(lines)


def _address(alert: Alert, page_url: str) -> str:
    """Return the page's address for an alert; for a test alert, that of its symbol only."""
    symbol = f"{page_url.rstrip('/')}/#symbol={_percent_encoded(alert.symbol)}"
    return symbol if alert.condition == TEST_CONDITION else f"{symbol}&alert={alert.alert_id}"


def compose_test(symbol: str, now: datetime, page_url: str) -> Message:
    """Return a test message, whose event_type is `test`."""
    alert = Alert(
        symbol=symbol,
        timestamp=to_text(now),
        rule_id="test",
        condition=TEST_CONDITION,
        interval="tick",
        price=Decimal(0),
        values={},
        message=f"Test alert of Ticktape for {symbol}: alerts reach you",
        source="test",
    )
    return compose(alert, "UTC", page_url)


def machine_form(alert: Alert) -> dict[str, object]:
    """Return the alert as JSON for queues, functions and webhooks, with prices as decimal text."""
    return {
        "alert_id": alert.alert_id,
        "rule_id": alert.rule_id,
        "symbol": alert.symbol,
        "timestamp": alert.timestamp,
        "condition": alert.condition,
        "interval": alert.interval,
        "price": alert.price,
        "values": alert.values,
        "message": alert.message,
        "source": alert.source,
        "severity": alert.severity,
    }


def plain(value: Decimal) -> str:
    """Format a number for people: no exponent, no trailing zeros, at most four decimals. A number
    below 1 has four significant digits."""
    places = _decimals(value, 4)
    short = value if value.as_tuple().exponent >= -places else round(value, places)  # type: ignore[operator]
    text = f"{short:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimals(value: Decimal, least: int) -> int:
    """Return how many decimals show four significant digits of a number below 1; at least
    `least`."""
    return max(least, 3 - value.adjusted()) if value else least


def signed(value: Decimal | None) -> str:
    """Format a percentage with its sign and two decimals; `?` for None."""
    if value is None:
        return "?"
    return f"{round(value, 2):+,.2f}"


def _difference(value: Decimal | None) -> str:
    """Format a price change with two decimals, or with more to show a change below a cent."""
    if value is None or not value or abs(value) >= _CENT:
        return signed(value)
    return f"{'+' if value > 0 else '-'}{plain(abs(value))}"


def _local_time(alert: Alert, exchange_timezone: str | None) -> str:
    zone = calendar_for(alert.symbol, exchange_timezone).zone
    return from_text(alert.timestamp).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def _percent_encoded(symbol: str) -> str:
    return symbol.replace("^", "%5E").replace("=", "%3D")
