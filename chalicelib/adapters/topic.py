"""Sends alerts to the SNS topic."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.domain.deliveries import DeliveryError, Lasting, Passing
from chalicelib.domain.messages import Message, fitting

MOST_BYTES = 261_000
"""The most bytes of a message and its attributes, slightly below SNS's limit of 262,144."""

_PASSING_STATUSES = frozenset({408, 429})
_PASSING_CODES = frozenset(
    {
        "AuthorizationError",
        "ExpiredToken",
        "ExpiredTokenException",
        "KMSAccessDenied",
        "KMSAccessDeniedException",
        "KMSThrottling",
        "KMSThrottlingException",
        "RequestExpired",
        "RequestTimeout",
        "SlowDown",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Codes of 4xx responses after which a later attempt may succeed. After a deployment, IAM policies
and those of topics and keys take seconds to minutes to apply everywhere."""


class Topic:
    """Implements Channel on SNS: text for people, JSON for queues, functions and webhooks."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def prepare(self) -> None:
        """See Channel.prepare. Makes the SNS client, so that the first send does not have to."""
        _ = self._client.publish

    def send(self, message: Message) -> None:
        """See Channel.send."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._publish(message)
        except ClientError as error:
            raise _refusal(error.response) from error
        except BotoCoreError as error:
            raise Passing(f"SNS did not answer: {type(error).__name__}") from error

    def _publish(self, message: Message) -> None:
        by_protocol = {
            "default": message.text,
            "email": message.text,
            "sms": message.sms,
            "sqs": message.data,
            "lambda": message.data,
            "http": message.data,
            "https": message.data,
        }
        text = msgspec.json.encode(by_protocol)
        self._client.publish(
            TopicArn=self._arn,
            Subject=message.subject,
            Message=text.decode(),
            MessageStructure="json",
            MessageAttributes=_attributes(message, MOST_BYTES - len(text)),
        )


def _attributes(message: Message, left: int) -> dict[str, dict[str, str]]:
    """Return the message attributes, in at most `left` bytes. A list that does not fit keeps only
    its first values."""
    found = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in message.attributes.items()
    }
    left -= sum(len(f"{name}String{value}".encode()) for name, value in message.attributes.items())
    for name, values in message.several.items():
        left -= len(f"{name}String.Array")
        if kept := fitting(values, left):
            value = msgspec.json.encode(kept)
            found[name] = {"DataType": "String.Array", "StringValue": value.decode()}
            left -= len(value)
    return found


def _refusal(response: Any) -> DeliveryError:
    """Return the delivery's failure that an error response of SNS stands for."""
    code = response.get("Error", {}).get("Code") or "unknown"
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    reason = f"SNS answered {code} ({status})"
    if status >= 500 or status in _PASSING_STATUSES or code in _PASSING_CODES:
        return Passing(reason)
    return Lasting(reason)
