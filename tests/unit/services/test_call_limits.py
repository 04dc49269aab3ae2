"""The longest time of a publish, which has one attempt; a claim outlasts it."""

from __future__ import annotations

import socket
import threading

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.adapters import clients
from chalicelib.adapters.clients import Clients
from chalicelib.services.call_limits import PUBLISHING, USUAL, CallLimits
from chalicelib.services.delivery.channel import MAX_SEND_SECONDS
from chalicelib.services.delivery.claims import CLAIM_AND_MARK, LEASE


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
    assert PUBLISHING.attempts == 1
    assert PUBLISHING.connect_seconds + PUBLISHING.read_seconds <= MAX_SEND_SECONDS
    assert LEASE.total_seconds() >= MAX_SEND_SECONDS + CLAIM_AND_MARK.total_seconds()


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
