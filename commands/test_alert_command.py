"""`python -m local test-alert`: sends a message to the running system's alerts topic."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from chalicelib.adapters.topic import Topic
from chalicelib.domain.deliveries import DeliveryError
from chalicelib.domain.messages import compose_test
from commands.outcomes import FAILED, OK
from commands.target import add_flags, connect, find_running


def test_alert(arguments: list[str]) -> int:
    """Send one test message to the alerts topic. Exit status 1 if it cannot be sent."""
    parser = argparse.ArgumentParser(
        prog="python -m local test-alert",
        description="Sends a test message to all subscribers of the running system's alerts topic.",
    )
    parser.add_argument("--symbol", default="TEST", help="the symbol in the message")
    add_flags(parser)
    options = parser.parse_args(arguments)
    facts = find_running(options)
    sns = connect(facts)("sns")
    arns = [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
    topic = next((arn for arn in arns if arn.endswith("-alerts")), None)
    if topic is None:
        print("python -m local test-alert: the system has no alerts topic", file=sys.stderr)
        return FAILED
    message = compose_test(options.symbol, datetime.now(UTC), str(facts.get("page") or ""))
    try:
        Topic(sns, topic).send(message)
    except DeliveryError as error:
        print(f"python -m local test-alert: {error}", file=sys.stderr)
        return FAILED
    subscribers = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    print(f"sent to {topic}, which has {len(subscribers)} subscription(s)")
    print(message.text)
    return OK
