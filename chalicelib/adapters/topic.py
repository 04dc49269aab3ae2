"""The alerts topic."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.domain.messages import Message


class Topic:
    """Publisher over SNS: text for people, JSON for queues, functions and webhooks."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, message: Message) -> None:
        """See Publisher."""
        by_protocol = {
            "default": message.text,
            "email": message.text,
            "sms": message.sms,
            "sqs": message.data,
            "lambda": message.data,
            "http": message.data,
            "https": message.data,
        }
        self._client.publish(
            TopicArn=self._arn,
            Subject=message.subject,
            Message=msgspec.json.encode(by_protocol).decode(),
            MessageStructure="json",
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in message.attributes.items()
            },
        )
