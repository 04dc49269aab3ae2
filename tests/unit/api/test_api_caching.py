"""ETag, 304 and Cache-Control."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.api_support import NOW, SETTINGS, Client, FakeServices, fill, make_ticks

ROUTES = ["/prices/TEST", "/prices/TEST?format=csv", "/prices/TEST/latest", "/quotes?symbols=TEST"]
OTHERS = ["/symbols", "/alerts", "/openapi.json"]


@pytest.fixture
def services() -> FakeServices:
    made = FakeServices()
    fill(made, make_ticks(30))
    return made


@pytest.mark.parametrize("path", [*ROUTES, *OTHERS])
def test_answers_that_the_client_has_are_not_sent_again(services: FakeServices, path: str) -> None:
    client = Client(services)
    etag = client.get(path).headers["etag"]
    services.now += timedelta(seconds=100)  # only the age of the newest price changes
    for header in (etag, f'"other", {etag}', etag.removeprefix("W/"), "*"):
        answer = client.get(path, If_None_Match=header)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", etag)
        assert "cache-control" in answer.headers
    assert client.get(path, If_None_Match='"other"').status == 200


@pytest.mark.parametrize("path", ROUTES)
def test_a_new_price_is_a_new_etag(services: FakeServices, path: str) -> None:
    client = Client(services)
    etag = client.get(path).headers["etag"]
    fill(services, make_ticks(1, end=NOW + timedelta(seconds=61)))
    services.now += timedelta(seconds=61)
    answer = client.get(path, If_None_Match=etag)
    assert answer.status == 200
    assert answer.headers["etag"] != etag


def test_the_past_stays_the_same_while_prices_come(services: FakeServices) -> None:
    client = Client(services)
    path = "/prices/TEST?interval=1m&end=2026-11-20T15:50:00Z"
    etag = client.get(path).headers["etag"]
    fill(services, make_ticks(1, end=NOW + timedelta(seconds=61)))
    services.now += timedelta(seconds=61)
    assert client.get(path, If_None_Match=etag).status == 304


def test_csv_and_json_differ_in_their_etags(services: FakeServices) -> None:
    client = Client(services)
    paths = ("/prices/TEST", "/prices/TEST?format=csv")
    assert len({client.get(path).headers["etag"] for path in paths}) == 2


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (datetime(2026, 11, 20, 16, 0, tzinfo=UTC), 15),  # in session
        (datetime(2026, 11, 20, 13, 0, tzinfo=UTC), 15),  # before the open, extended hours
        (datetime(2026, 11, 21, 16, 0, tzinfo=UTC), 3600),  # a Saturday
        (datetime(2026, 11, 26, 16, 0, tzinfo=UTC), 3600),  # Thanksgiving
    ],
)
def test_answers_are_kept_longer_while_the_market_is_closed(now: datetime, seconds: int) -> None:
    services = FakeServices()
    fill(services, make_ticks(3, "XYZ", timezone="America/New_York"))
    services.now = now
    for path in ("/prices/XYZ", "/prices/XYZ/latest", "/quotes?symbols=XYZ"):
        assert Client(services).get(path).headers["cache-control"] == f"public, max-age={seconds}"


def test_nothing_is_kept_beyond_the_open() -> None:
    services = FakeServices()
    fill(services, make_ticks(3, "^FTSE", timezone="Europe/London"))
    services.now = datetime(2026, 11, 20, 7, 59, 30, tzinfo=UTC)
    answer = Client(services).get("/prices/%5EFTSE")
    assert answer.headers["cache-control"] == "public, max-age=30"
    assert answer.json["next_open"] == "2026-11-20T08:00:00.000000Z"


def test_errors_are_never_kept_and_health_for_a_moment(services: FakeServices) -> None:
    client = Client(services)
    assert client.get("/health").headers["cache-control"] == "public, max-age=2"
    for path in ("/prices/NOSUCH", "/prices/TEST?limit=0"):
        assert client.get(path).headers["cache-control"] == "no-store"


def test_answers_that_need_a_token_are_cached_privately(services: FakeServices) -> None:
    services.settings = msgspec.structs.replace(SETTINGS, read_access="closed")
    answer = Client(services).send(
        "GET", "/prices/TEST", headers={"authorization": "Bearer a-token-of-the-tests"}
    )
    assert answer.headers["cache-control"] == "private, max-age=15"
