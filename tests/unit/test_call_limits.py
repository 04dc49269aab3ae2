"""The longest time of a publish, by botocore's own figures; a claim outlasts it."""

from __future__ import annotations

import socket
import threading

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.retries.standard import ExponentialBackoff, RetryContext

from chalicelib.adapters import clients
from chalicelib.adapters.clients import Clients
from chalicelib.services import call_limits
from chalicelib.services.call_limits import PUBLISHING, USUAL, CallLimits
from chalicelib.services.delivery.channel import MAX_SEND_SECONDS
from chalicelib.services.delivery.deliver import CLAIM_AND_MARK, LEASE


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_the_clients_have_the_assumed_limits() -> None:
    made = Clients()
    for client, limits in ((made.sns, PUBLISHING), (made.dynamodb, USUAL)):
        config = client.meta.config
        assert (config.connect_timeout, config.read_timeout) == (
            limits.connect_seconds,
            limits.read_seconds,
        )
        assert config.retries == {"mode": "standard", "total_max_attempts": limits.attempts}


def test_the_lease_is_longer_than_the_longest_publish() -> None:
    assert PUBLISHING.longest_seconds == 2 + 5 <= MAX_SEND_SECONDS
    assert LEASE.total_seconds() >= MAX_SEND_SECONDS + CLAIM_AND_MARK.total_seconds()


def test_the_longest_call_has_a_pause_between_its_attempts() -> None:
    assert CallLimits(1, 2, 1).longest_seconds == 3
    assert CallLimits(3, 10, 4).longest_seconds == 4 * 13 + (1 + 2 + 4) + 3 * 5
    assert CallLimits(0, 0, 8).longest_seconds == 1 + 2 + 4 + 8 + 16 + 20 + 20 + 7 * 5


@pytest.mark.parametrize("attempt", range(1, 8))
def test_the_pauses_are_botocores(attempt: int) -> None:
    context = RetryContext(
        attempt_number=attempt, parsed_response={"Error": {"Code": "Throttling"}}
    )
    backoff = ExponentialBackoff(random=lambda: 1.0, throttling_detector=_Throttled())
    longest = backoff.delay_amount(context)
    reckoned = CallLimits(0, 0, attempt + 1), CallLimits(0, 0, attempt)
    pause = reckoned[0].longest_seconds - reckoned[1].longest_seconds
    assert pause == longest + call_limits.RETRY_AFTER_SECONDS
    assert ExponentialBackoff._RETRY_AFTER_MAX_ADDITIONAL == call_limits.RETRY_AFTER_SECONDS


class _Throttled:
    def is_throttling_error_from_context(self, *_: object) -> bool:
        return True


def test_a_publish_without_an_answer_ends_after_its_attempts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clients, "PUBLISHING", CallLimits(5, 0.2, PUBLISHING.attempts))
    came: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        threading.Thread(target=_accept, args=(silent, came), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(ReadTimeoutError):
            Clients().sns.publish(TopicArn="arn:aws:sns:us-east-1:123456789012:a", Message="x")
    assert len(came) == PUBLISHING.attempts
    for connection in came:
        connection.close()


def _accept(server: socket.socket, came: list[socket.socket]) -> None:
    while True:
        try:
            came.append(server.accept()[0])
        except OSError:
            return
