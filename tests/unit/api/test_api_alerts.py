"""GET /alerts, answers that would be too large, and a store that does not answer."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.domain.alerts import Alert
from chalicelib.domain.deliveries import Delivery, held
from chalicelib.domain.digests import Digest, StoredDigest, opened
from chalicelib.domain.times import to_text
from chalicelib.domain.wire import MAX_AHEAD
from chalicelib.services.delivery.receipts import MOST_HEADS
from tests.api_support import NOW, Client, FakeServices, aapl_ticks, fill, walk

NOW_TEXT = to_text(NOW)


def _alert(days_ago: float, symbol: str = "AAPL", **fields: Any) -> Alert:
    given: dict[str, Any] = {
        "symbol": symbol,
        "timestamp": to_text(NOW - timedelta(days=days_ago)),
        "rule_id": "mine",
        "condition": "crossing_up",
        "interval": "tick",
        "price": Decimal("189.84"),
        "values": {"value": Decimal(189)},
        "message": f"{symbol} rose above 189",
        "source": "yfinance",
    }
    return Alert(**(given | fields))


def _served(*alerts: Alert) -> Client:
    services = FakeServices()
    services.stores.alerts.record_all(alerts, None)
    return Client(services)


def _days(rows: list[dict[str, Any]]) -> list[int]:
    return [(NOW - NOW.fromisoformat(row["timestamp"])).days for row in rows]


def test_an_alert_says_what_fired_and_whether_it_was_sent() -> None:
    services = FakeServices()
    sent, quiet = _alert(2), _alert(1, quiet="older than 900 s")
    stores: Any = services.stores
    stores.alerts.record_all((sent, quiet), None)
    stores.alerts.mark_sent(sent, "2026-11-18T16:00:02.000000Z")
    first, second = Client(services).get("/alerts?symbol=AAPL").json["alerts"]
    assert first == {
        "alert_id": sent.alert_id,
        "rule_id": "mine",
        "symbol": "AAPL",
        "timestamp": "2026-11-18T16:00:00.000000Z",
        "condition": "crossing_up",
        "interval": "tick",
        "price": Decimal("189.84"),
        "values": {"value": 189},
        "message": "AAPL rose above 189",
        "source": "yfinance",
        "severity": "normal",
        "quiet": None,
        "held": [],
        "notified_at": "2026-11-18T16:00:02.000000Z",
    }
    assert (second["quiet"], second["notified_at"]) == ("older than 900 s", None)


def test_one_alert_shows_what_became_of_it_on_each_channel() -> None:
    services = FakeServices()
    alert, quiet = _alert(2), _alert(1, quiet="old")
    stores: Any = services.stores
    stores.alerts.record_all((alert, quiet), None)
    sns = Delivery(channel="sns", status="sent", attempts=1, at="2026-11-18T16:00:00.812345Z")
    hook = Delivery(
        channel="hook",
        status="waiting",
        attempts=2,
        at="2026-11-18T16:00:09.000000Z",
        error="503",
        until="2026-11-18T16:00:17.000000Z",
    )
    stores.alerts.mark_sent(alert, sns.at, hook, sns)
    client = Client(services)
    (listed,) = client.get("/alerts?symbol=AAPL&end=2026-11-19").json["alerts"]
    assert client.get(f"/alerts/{alert.alert_id}").json == {
        **listed,
        "notified_at": "2026-11-18T16:00:00.812345Z",
        "deliveries": [
            {
                "channel": "hook",
                "status": "waiting",
                "attempts": 2,
                "at": "2026-11-18T16:00:09.000000Z",
                "seconds": Decimal("9.0"),
                "error": "503",
                "next_attempt_at": "2026-11-18T16:00:17.000000Z",
                "held_until": None,
                "held_reason": None,
            },
            {
                "channel": "sns",
                "status": "sent",
                "attempts": 1,
                "at": "2026-11-18T16:00:00.812345Z",
                "seconds": Decimal("0.812"),
                "error": None,
                "next_attempt_at": None,
                "held_until": None,
                "held_reason": None,
            },
        ],
    }
    shown = client.get(f"/alerts/{quiet.alert_id}").json
    assert (shown["quiet"], shown["deliveries"]) == ("old", [])


def test_a_held_alert_says_until_when_and_why_and_then_what_became_of_its_digest() -> None:
    services = FakeServices()
    alert, digest = _alert(2), Digest("sns", "2026-11-18T16:15:00.000000Z")
    stores: Any = services.stores
    stores.alerts.record_all((alert,), None)
    reason = "limit of 5 messages in 10 minutes"
    since = "2026-11-18T16:00:01.000000Z"
    stores.alerts.mark_sent(alert, None, held("sns", since, digest.until, reason))
    client = Client(services)
    path = f"/alerts/{alert.alert_id}"
    waiting = {"channel": "sns", "until": digest.until, "reason": reason}
    for head in (None, StoredDigest(digest, True, (opened(digest),))):
        stores.alerts.heads = {digest: head} if head else {}
        shown = client.get(path).json
        assert (shown["held"], shown["notified_at"]) == ([waiting], None)
        (told,) = shown["deliveries"]
        assert (told["status"], told["attempts"], told["at"]) == ("held", 0, since)
        assert (told["next_attempt_at"], told["error"]) == (digest.until, None)
        assert (told["held_until"], told["held_reason"]) == (digest.until, reason)
        assert client.get("/alerts?symbol=AAPL").json["alerts"][0]["held"] == [waiting]
    sent = Delivery(channel="sns", status="sent", attempts=2, at="2026-11-18T16:15:04.000000Z")
    stores.alerts.heads = {digest: StoredDigest(digest, False, (sent,), sent.at)}
    shown = client.get(path).json
    assert (shown["held"], shown["notified_at"]) == ([], sent.at)
    (told,) = shown["deliveries"]
    assert (told["status"], told["attempts"], told["next_attempt_at"]) == ("sent", 2, None)
    assert (told["held_until"], told["held_reason"]) == (digest.until, reason)


def test_a_page_ends_before_it_reads_more_digests_than_it_may() -> None:
    services = FakeServices()
    alerts = [_alert(days / 1000, rule_id=f"r{days:04}") for days in range(1300, 0, -1)]
    stores: Any = services.stores
    stores.alerts.record_all(alerts, None)
    for number, alert in enumerate(alerts):
        until = f"2026-11-20T{number // 60:02}:{number % 60:02}:00.000000Z"
        stores.alerts.mark_sent(alert, None, held("sns", NOW_TEXT, until, "limit"))
    asked: list[int] = []
    digests = stores.alerts.digests

    def counting(wanted: Collection[Digest]) -> dict[Digest, StoredDigest]:
        asked.append(len(wanted))
        found: dict[Digest, StoredDigest] = digests(wanted)
        return found

    stores.alerts.digests = counting
    rows = list(walk(Client(services), "/alerts?symbol=AAPL&limit=5000", "alerts"))
    assert [row["alert_id"] for row in rows] == [alert.alert_id for alert in alerts]
    assert asked == [MOST_HEADS, MOST_HEADS, 1300 - 2 * MOST_HEADS]
    asked.clear()
    rows = list(walk(Client(services), "/alerts?limit=5000&sort=desc", "alerts"))
    assert (len(rows), len(asked)) == (1300, 3)


def test_an_alert_that_is_not_there_is_not_found() -> None:
    client = _served(_alert(1))
    missing = client.get(f"/alerts/{'0' * 24}")
    assert (missing.status, missing.json["type"]) == (404, "urn:ticktape:problem:unknown-alert")
    assert client.get("/alerts/mine").json["parameter"] == "alert_id"


def test_without_symbol_and_range_it_is_the_last_31_days() -> None:
    client = _served(*(_alert(days, "MSFT" if days % 2 else "AAPL") for days in range(0, 40, 3)))
    assert _days(client.get("/alerts").json["alerts"]) == list(range(30, -1, -3))
    assert _days(client.get("/alerts?sort=desc").json["alerts"]) == list(range(0, 31, 3))


def test_an_alert_of_a_tick_that_is_ahead_of_the_clock_is_shown() -> None:
    alert = _alert(0, timestamp=to_text(NOW + MAX_AHEAD))
    (row,) = _served(alert).get("/alerts").json["alerts"]
    assert row["alert_id"] == alert.alert_id


def test_one_end_of_the_range_gives_31_days_beside_it() -> None:
    client = _served(*(_alert(days) for days in range(0, 100, 10)))
    ninety = to_text(NOW - timedelta(days=90))
    assert _days(client.get(f"/alerts?start={ninety}").json["alerts"]) == [90, 80, 70, 60]
    assert _days(client.get(f"/alerts?end={ninety}").json["alerts"]) == []
    assert _days(client.get("/alerts?start=2027-01-01").json["alerts"]) == []


def test_any_range_of_one_symbol_is_answered() -> None:
    client = _served(*(_alert(days) for days in range(0, 1000, 100)), _alert(5, "MSFT"))
    assert len(client.get("/alerts?symbol=aapl").json["alerts"]) == 10
    path = "/alerts?symbol=AAPL&start=2025-01-01&end=2026-01-01"
    assert _days(client.get(path).json["alerts"]) == [600, 500, 400]


@pytest.mark.parametrize("query", ["", "symbol=AAPL&", "condition=crossing_down&"])
@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 7, 50])
def test_pages_of_alerts_are_the_whole(query: str, sort: str, limit: int) -> None:
    conditions = ("crossing_up", "crossing_down", "crossing")
    client = _served(
        *(
            _alert(n / 7, symbol, rule_id=condition, condition=condition)
            for n in range(20)
            for symbol in ("AAPL", "MSFT")
            for condition in conditions
        )
    )
    path = f"/alerts?{query}sort={sort}"
    whole = client.get(path).json
    assert whole["next_page_token"] is None
    assert len(whole["alerts"]) in (120, 60, 40)
    assert list(walk(client, f"{path}&limit={limit}", "alerts")) == whole["alerts"]


@pytest.mark.parametrize(
    ("sort", "moved", "left"),
    [
        ("asc", timedelta(days=6, hours=1), [24, 5, 5]),
        ("desc", timedelta(days=-5, hours=-1), [5, 24, 25]),
    ],
)
def test_a_walk_without_a_range_goes_on_when_its_position_lies_out_of_the_range(
    sort: str, moved: timedelta, left: list[int]
) -> None:
    """The last 31 days begin and end elsewhere by then, on the position's very day."""
    services = FakeServices()
    days = (25, 25 - 4 / 24, 5 + 4 / 24, 5)
    services.stores.alerts.record_all([_alert(ago) for ago in days], None)
    client = Client(services)
    token = client.get(f"/alerts?limit=1&sort={sort}").json["next_page_token"]
    services.now += moved
    page = client.get(f"/alerts?limit=3&sort={sort}&page_token={token}")
    assert (page.status, _days(page.json["alerts"])) == (200, left)


def test_the_recordings_alerts_are_all_there() -> None:
    services = FakeServices()
    fill(services, aapl_ticks())
    rows = Client(services).get("/alerts?symbol=AAPL&limit=1000").json["alerts"]
    kinds = [row["condition"] for row in rows if row["interval"] == "tick"]
    assert [kinds.count(kind) for kind in ("golden_cross", "death_cross", "change_percent")] == [
        15,
        14,
        8,
    ]


def test_an_answer_above_5_mb_is_refused_and_a_smaller_page_served() -> None:
    long = "x" * 1500
    client = _served(*(_alert(n / 1000, message=long) for n in range(5000)))
    refused = client.get("/alerts?symbol=AAPL&limit=5000")
    assert (refused.status, refused.json["title"]) == (413, "Too large")
    answer = client.get("/alerts?symbol=AAPL&limit=1000")
    assert answer.status == 200
    assert len(answer.body) < 5_000_000


class _Failing:
    """A table that answers every call with an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def fail(*_: object, **__: object) -> None:
            raise self._error

        return fail


class _FailingStores:
    def __init__(self, error: Exception) -> None:
        self._table = _Failing(error)

    def __getattr__(self, name: str) -> Any:
        return self._table


def _client_error(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Query")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (EndpointConnectionError(endpoint_url="http://secret.internal"), 503),
        (_client_error("ThrottlingException", 400), 503),
        (_client_error("ProvisionedThroughputExceededException", 400), 503),
        (_client_error("InternalServerError", 500), 503),
        (_client_error("ResourceNotFoundException", 400), 500),
        (_client_error("AccessDeniedException", 400), 500),
        (KeyError("secret"), 500),
    ],
)
@pytest.mark.parametrize("path", ["/health", "/prices/AAPL", "/quotes?symbols=A", "/alerts"])
def test_a_failing_store_is_distinguished_from_a_bug(
    error: Exception, status: int, path: str
) -> None:
    services = FakeServices()
    services.stores = _FailingStores(error)  # type: ignore[assignment]
    answer = Client(services).get(path)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in answer.headers) == (status == 503)
    assert b"secret" not in answer.body
