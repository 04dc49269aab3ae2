from __future__ import annotations

import json
from typing import Any

import msgspec

from chalicelib.adapters.events import retries
from chalicelib.adapters.retries import Retries
from chalicelib.domain.agendas import timer_of
from chalicelib.domain.deliveries import Retry
from rigs.memory_aws.system import Aws
from tests.factories import at

RETRY = Retry(symbol="AAPL", timestamp=at(0), rule_id="r", channel="sns", attempts=2)


def bodies(messages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"m{n}", "body": message["MessageBody"]}
            for n, message in enumerate(messages)
        ]
    }


def test_requests_wait_no_longer_than_sqs_can() -> None:
    aws = Aws()
    queue = Retries(aws.sqs, "https://sqs/deliveries", "https://sqs/deliveries-dead")
    for seconds in (0.2, 7.0, 1200.0):
        queue.put(RETRY, seconds)
    waiting = aws.messages["deliveries"]
    assert [message["DelaySeconds"] for message in waiting] == [1, 7, 900]
    assert retries(bodies(waiting)) == ([(f"m{n}", RETRY) for n in range(3)], [])


def test_the_depth_counts_messages_that_wait_and_those_that_are_under_way() -> None:
    class Sqs:
        def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
            assert QueueUrl == "https://sqs/deliveries"
            return {"Attributes": {name: str(n) for n, name in enumerate(AttributeNames, 1)}}

    assert Retries(Sqs(), "https://sqs/deliveries", "https://sqs/deliveries-dead").depth() == 6


def test_the_timer_of_an_agenda_is_a_message_of_its_own_form() -> None:
    """Versions that know no agendas must not take it for an alert that is gone, and drop it."""
    aws = Aws()
    queue = Retries(aws.sqs, "https://sqs/deliveries", "https://sqs/deliveries-dead")
    queue.put(timer_of("c1", at(900)), 900)
    (message,) = waiting = aws.messages["deliveries"]
    assert json.loads(message["MessageBody"]) == {"agenda": "c1", "at": at(900)}
    assert retries(bodies(waiting)) == ([("m0", timer_of("c1", at(900)))], [])


def test_dead_letters_say_why_and_ask_for_a_redrive() -> None:
    aws = Aws()
    Retries(aws.sqs, "https://sqs/deliveries", "https://sqs/deliveries-dead").bury(RETRY, "404")
    (letter,) = aws.messages["deliveries-dead"]
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "404"
    dead = msgspec.structs.replace(RETRY, dead=True)
    assert retries(bodies([letter])) == ([("m0", dead)], [])


def test_messages_that_nobody_can_read_are_named() -> None:
    junk = [{"MessageBody": text} for text in ("", "[]", '{"symbol": "AAPL"}')]
    assert retries(bodies(junk)) == ([], ["m0", "m1", "m2"])
