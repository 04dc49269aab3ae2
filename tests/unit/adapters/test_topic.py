from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.adapters.topic import MOST_BYTES, Topic
from chalicelib.domain.deliveries import MAX_REASON, DeliveryError, Lasting, Passing
from chalicelib.domain.messages import compose
from tests.factories import make_alert

MESSAGE = compose(make_alert(), None, "")


class Refusing:
    """A client of SNS whose publishes all fail in one way."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def publish(self, **_request: Any) -> None:
        raise self._error


def failure(error: Exception) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        Topic(Refusing(error), "arn:aws:sns:us-east-1:123456789012:alerts").send(MESSAGE)
    return caught.value


def answered(code: str, status: int) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "arn:aws:iam::123456789012:role/x"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "Publish")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("Throttling", 400),
        ("Throttled", 429),
        ("KMSThrottling", 400),
        ("RequestTimeout", 408),
        ("ExpiredToken", 403),
        ("AuthorizationError", 403),
        ("KMSAccessDenied", 400),
        ("InternalError", 500),
        ("ServiceUnavailable", 503),
    ],
)
def test_throttling_and_server_faults_are_passing(code: str, status: int) -> None:
    error = failure(answered(code, status))
    assert isinstance(error, Passing)
    assert error.reason == f"SNS answered {code} ({status})"


@pytest.mark.parametrize(
    ("code", "status"),
    [("InvalidParameter", 400), ("InvalidSecurity", 403), ("NotFound", 404)],
)
def test_refusals_are_lasting_and_name_no_arn(code: str, status: int) -> None:
    error = failure(answered(code, status))
    assert isinstance(error, Lasting)
    assert error.reason == f"SNS answered {code} ({status})"


def test_a_time_out_is_passing() -> None:
    error = failure(ReadTimeoutError(endpoint_url="https://sns.us-east-1.amazonaws.com"))
    assert isinstance(error, Passing)
    assert error.reason == "SNS did not answer: ReadTimeoutError"


def test_long_reasons_are_cut() -> None:
    assert len(Lasting("x" * 1000).reason) == MAX_REASON


class Noting:
    """A client of SNS that notes what it publishes."""

    def __init__(self) -> None:
        self.published: dict[str, Any] = {}

    def publish(self, **request: Any) -> None:
        self.published = request


@pytest.mark.parametrize("characters", [10, 61_000, 64_900])
def test_lists_of_attributes_are_cut_to_what_sns_takes(characters: int) -> None:
    """The first values are kept, and short lists whole."""
    symbols = tuple(f"S{number:05d}" for number in range(4_000, 0, -1))
    several = {"severity": ("urgent", "normal"), "symbol": symbols}
    text = "x" * characters
    message = msgspec.structs.replace(MESSAGE, data=text, attributes={"a": "b"}, several=several)
    client = Noting()
    Topic(client, "arn:aws:sns:us-east-1:123456789012:alerts").send(message)
    request = client.published
    found = request["MessageAttributes"]
    size = len(request["Message"]) + sum(
        len(name) + len(one["DataType"]) + len(one["StringValue"]) for name, one in found.items()
    )
    assert size <= MOST_BYTES
    assert found["severity"]["DataType"] == "String.Array"
    assert json.loads(found["severity"]["StringValue"]) == ["urgent", "normal"]
    named = json.loads(found["symbol"]["StringValue"]) if "symbol" in found else []
    assert named == list(symbols[: len(named)])
    assert (len(named) == 4_000) is (characters == 10)
    assert MOST_BYTES - size < 20 or len(named) == 4_000


def test_the_bound_of_a_message_is_that_of_sns() -> None:
    assert MOST_BYTES < 256 * 1024
