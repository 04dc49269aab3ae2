"""The emulator's memory of sent messages is bounded."""

from __future__ import annotations

import socket
from contextlib import closing

from embedded_aws.emulator.topics import KEPT, LastKeys
from rigs.emulated import Emulated


def test_the_last_certificates_are_kept_for_checks_of_signatures() -> None:
    keys = LastKeys()
    for number in range(3 * KEPT):
        keys[f"{number}.pem"] = b"certificate"
    assert len(keys) == KEPT
    assert f"{3 * KEPT - 1}.pem" in keys


def test_a_subscriber_that_does_not_answer_fails_no_publication(emulated: Emulated) -> None:
    sns = emulated.clients.sns
    topic = sns.create_topic(Name="heard-by-nobody")["TopicArn"]
    with closing(socket.socket()) as taken:  # bound, and listened on by nobody
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/hook"
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=address)
        assert sns.publish(TopicArn=topic, Message="a message")["MessageId"]
