"""Subscriptions with a filter get the digests that have an alert which the filter lets through."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.adapters.topic import Topic
from chalicelib.domain.digest_messages import compose_digest
from chalicelib.domain.digests import Digest, Member
from rigs.emulated import Emulated
from tests.factories import at
from tests.unit.delivery.test_digest_messages import member

POLICIES: dict[str, dict[str, list[str]]] = {
    "aapl": {"symbol": ["AAPL"]},
    "both": {"symbol": ["MSFT"], "condition": ["golden_cross", "crossing_up"]},
    "urgent": {"severity": ["urgent"]},
    "other": {"symbol": ["TSLA"]},
    "all": {},
}


def test_a_digest_passes_the_filters_of_its_alerts(emulated: Emulated) -> None:
    sns, sqs = emulated.clients.sns, emulated.clients.sqs
    arn = sns.create_topic(Name="filtered-digests")["TopicArn"]
    queues = {name: subscribed(sns, sqs, arn, name, policy) for name, policy in POLICIES.items()}
    topic = Topic(sns, arn)
    for number, alerts in enumerate(
        [
            [member(symbol="AAPL"), member(symbol="MSFT")],
            [member(symbol="MSFT"), member(1, symbol="GOOG", severity="urgent")],
            [member(symbol="GOOG")],
        ]
    ):
        topic.send(digest_of(number, alerts))
    got = {name: sorted(received(sqs, url)) for name, url in queues.items()}
    assert got == {"aapl": [0], "both": [0, 1], "urgent": [1], "other": [], "all": [0, 1, 2]}


def digest_of(number: int, members: list[Member]) -> Any:
    """Return the message of a digest; its time says its number."""
    return compose_digest(Digest("sns", at(900 * (1 + number))), members, "")


def subscribed(sns: Any, sqs: Any, arn: str, name: str, policy: dict[str, list[str]]) -> str:
    """Subscribe a new queue with a filter policy; return its address."""
    url: str = sqs.create_queue(QueueName=f"filtered-{name}")["QueueUrl"]
    wanted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    queue = wanted["Attributes"]["QueueArn"]
    given = {"FilterPolicy": json.dumps(policy)} if policy else {}
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue, Attributes=given)
    return url


def received(sqs: Any, url: str) -> list[int]:
    """Return the numbers of the digests in a queue."""
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    found = [json.loads(json.loads(message["Body"])["Message"]) for message in messages]
    return [[at(900), at(1800), at(2700)].index(data["until"]) for data in found]
