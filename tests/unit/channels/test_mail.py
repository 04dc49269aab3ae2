"""Mail by SMTP through the real apprise, in front of a mail server on the loopback interface."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from chalicelib.adapters.apprise_channel import AppriseChannel
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.deliveries import DeliveryError, Lasting, Passing
from chalicelib.domain.messages import Message
from rigs.ports import free_port

PASSWORD = "a-password-nobody-knows"


class Box:
    """A handler that keeps mails, or answers with `reply`."""

    def __init__(self, reply: str = "") -> None:
        self._reply = reply
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self._reply:
            return self._reply
        self.mails.append(envelope)
        return "250 OK"


@contextmanager
def mail_server(box: Box) -> Iterator[int]:
    """A server without TLS, at the port that it yields."""
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def channel(port: int, **named: Any) -> AppriseChannel:
    address = f"mailto://127.0.0.1:{port}?from=ticktape@example.com&to=me@example.org"
    return AppriseChannel(Secrets(address), **{"allows": lambda _: True, **named})


def test_a_mail_arrives_with_subject_and_text(message: Message) -> None:
    box = Box()
    with mail_server(box) as port:
        channel(port).send(message)
    (mail,) = box.mails
    assert mail.rcpt_tos == ["me@example.org"]
    text = mail.content.decode()
    assert "Subject: Test alert of Ticktape for AAPL" in text
    assert "Informational only" in text


@pytest.mark.parametrize(
    ("reply", "kind"),
    [("451 try again", Passing), ("550 no such user", Lasting), ("554 refused", Lasting)],
)
def test_a_refusal_is_told_by_its_code(
    reply: str, kind: type[DeliveryError], message: Message
) -> None:
    with mail_server(Box(reply)) as port, pytest.raises(DeliveryError) as raised:
        channel(port).send(message)
    assert type(raised.value) is kind
    assert raised.value.reason == f"the mail server answered {reply[:3]}"


def test_a_server_that_is_not_there_passes(message: Message) -> None:
    with pytest.raises(Passing, match="the host accepts no connection"):
        channel(free_port()).send(message)


def test_a_mail_server_on_loopback_is_refused(message: Message) -> None:
    box = Box()
    with mail_server(box) as port, pytest.raises(Lasting, match="not on the public internet"):
        AppriseChannel(
            Secrets(f"mailto://me:{PASSWORD}@127.0.0.1:{port}?from=a@b.com&to=me@example.org")
        ).send(message)
    assert box.mails == []
