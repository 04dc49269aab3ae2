"""Sends a test message to all subscribers of price alerts."""

from __future__ import annotations

import json
from typing import Any

from infra.deploy.errors import DeployError
from infra.deploy.stage import Stage

PENDING = "PendingConfirmation"
"""What SNS shows in place of an ARN until the subscriber follows the link in AWS's mail."""


def send(stage: Stage) -> list[str]:
    """Publish a test message to the alerts' topic. Return a line for each subscription.

    Raises DeployError if the topic has no confirmed subscription.
    """
    subscriptions = _subscriptions(stage, stage.topics.alerts)
    text = f"A test of price alerts from {stage.tags['app']}, stage {stage.stage}."
    data = json.dumps({"event_type": "test", "stage": stage.stage, "message": text})
    answer = stage.client("sns").publish(
        TopicArn=stage.topics.alerts,
        Subject=f"[TEST] {stage.tags['app']} {stage.stage}",
        Message=json.dumps({"default": text, "sqs": data, "lambda": data, "https": data}),
        MessageStructure="json",
        MessageAttributes={"event_type": {"DataType": "String", "StringValue": "test"}},
    )
    told = [f"published {answer['MessageId']}", *map(_described, subscriptions)]
    if all(item["SubscriptionArn"] == PENDING for item in subscriptions):
        raise DeployError("\n".join([*told, "no subscription is confirmed, so nobody gets alerts"]))
    return told


def unconfirmed(stage: Stage) -> list[str]:
    """Return a warning for each unconfirmed subscription to the topics of alerts and alarms."""
    return [
        f"{item['Protocol']} {item['Endpoint']} is not confirmed: follow the link in AWS's mail"
        for topic in (stage.topics.alerts, stage.topics.operations)
        for item in _subscriptions(stage, topic)
        if item["SubscriptionArn"] == PENDING
    ]


def _subscriptions(stage: Stage, topic: str) -> list[dict[str, Any]]:
    pages = (
        stage.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    )
    return [item for page in pages for item in page["Subscriptions"]]


def _described(subscription: dict[str, Any]) -> str:
    pending = subscription["SubscriptionArn"] == PENDING
    state = "NOT CONFIRMED, gets no messages" if pending else "confirmed"
    return f"{subscription['Protocol']} {subscription['Endpoint']}: {state}"
