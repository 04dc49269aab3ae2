"""Pictures of charts, as they arrive at the services behind the real apprise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message as Mail
from typing import Any

import msgspec
import pytest

from chalicelib.adapters import apprise_channel, outbound
from chalicelib.adapters.apprise_channel import AppriseChannel
from chalicelib.adapters.webhook import Webhook
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.deliveries import Lasting, Passing
from chalicelib.domain.messages import Message
from rigs.alert_peers import HANG, LOSE, Peer, Received, Reply, discord, ntfy, peer, telegram
from tests.unit.channels.test_mail import Box, channel, mail_server

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
TELEGRAM = "tgram://123456789:TIiajkdnlazkcOXrIdevi7FQ/12315544"
DISCORD = "discord://4174216298/TIiajkdnlazkcOXrIdevi7FQ"
NTFY = "ntfy://127.0.0.1:PORT/alerts"
FIXED = {"tgram": "notify_url", "discord": "notify_url", "pover": "notify_url"}


@pytest.fixture
def illustrated(message: Message) -> Message:
    return msgspec.structs.replace(message, picture=lambda: PNG)


Send = Callable[..., None]


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch, illustrated: Message) -> Send:
    """Sends the message with its picture to an address whose host is a peer."""

    def sent(address: str, there: Peer, **named: Any) -> None:
        apprise_channel.prepare()
        scheme = address.partition(":")[0]
        kind = apprise_channel.plugin_class(scheme)
        if scheme in FIXED:
            monkeypatch.setattr(kind, FIXED[scheme], f"{there.url}/")
        if scheme == "slack":
            monkeypatch.setattr(kind, "api_url", there.url + "/{}")
            monkeypatch.setattr(kind, "webhook_url", there.url)
        secrets = Secrets(address.replace("PORT", str(there.port)))
        AppriseChannel(secrets, lambda _: True, **named).send(illustrated)

    return sent


def parts(request: Received) -> dict[str, bytes]:
    """The parts of a form by their names."""
    header = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    form = message_from_bytes(header + request.body)
    return {_name(part): part.get_payload(decode=True) for part in form.get_payload()}  # type: ignore[union-attr,arg-type,misc]


def _name(part: Mail) -> str:
    return str(part.get_param("name", header="Content-Disposition"))


def test_telegram_gets_a_photo_with_the_message_as_its_caption(send: Send) -> None:
    with peer(telegram(200)) as there:
        send(TELEGRAM, there)
    (request,) = there.requests
    assert request.path.lower().endswith("/sendphoto")
    form = parts(request)
    assert form["photo"] == PNG
    assert form["parse_mode"] == b"HTML"
    assert form["caption"].startswith(b"<b>Test alert of Ticktape for AAPL")


def test_discord_gets_the_message_and_then_the_file(send: Send) -> None:
    with peer(discord(200)) as there:
        send(DISCORD, there)
    text, file = there.requests
    assert "Test alert" in json.loads(text.body)["content"]
    form = parts(file)
    assert form["files[0]"] == PNG
    assert "content" not in json.loads(form["payload_json"])


def test_ntfy_gets_the_file_with_the_message_in_one_request(send: Send) -> None:
    with peer(ntfy(200)) as there:
        send(NTFY, there)
    (request,) = there.requests
    assert request.body == PNG
    assert request.path.startswith("/alerts?filename=chart.png&title=Test+alert")


def test_pushover_gets_both_in_one_request(send: Send) -> None:
    answer = Reply(200, '{"status": 1}', {"Content-Type": "application/json"})
    with peer(answer) as there:
        send("pover://" + "u" * 30 + "@" + "t" * 30, there)
    (request,) = there.requests
    form = parts(request)
    assert form["attachment"] == PNG
    assert (form["html"], form["title"][:10]) == (b"1", b"Test alert")


@contextmanager
def slack_bot() -> Iterator[tuple[Peer, Peer]]:
    """Slack's API as a bot calls it, and where it has files uploaded."""

    def told(**fields: Any) -> Reply:
        return Reply(200, json.dumps({"ok": True, **fields}), {"Content-Type": "application/json"})

    with peer(Reply(200, "OK - 264")) as store:
        replies = (
            told(channel="C1", ts="1"),
            told(file_id="F1", upload_url=f"{store.url}/upload"),
            told(files=[{"id": "F1"}]),
        )
        with peer(*replies) as api:
            yield api, store


BOT = "slack://xoxb-1234-1234-abc124/#general"


def test_a_bot_of_slack_uploads_the_file_after_the_message(send: Send) -> None:
    with slack_bot() as (api, store):
        send(BOT, api)
    paths = [request.path.partition("?")[0] for request in api.requests]
    assert paths == ["/chat.postMessage", "/files.getUploadURLExternal", *paths[2:]]
    assert paths[2] == "/files.completeUploadExternal"
    assert PNG in store.requests[0].body


def test_a_webhook_of_slack_gets_the_message_alone(send: Send) -> None:
    with peer(Reply(200, "ok")) as there:
        send("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", there)
    assert len(there.requests) == 1
    assert PNG not in there.requests[0].body


def test_a_mail_shows_the_picture_within_its_text(illustrated: Message) -> None:
    box = Box()
    with mail_server(box) as port:
        channel(port).send(illustrated)
    mail = message_from_bytes(box.mails[0].content)
    (image,) = [part for part in mail.walk() if part.get_filename() == "chart.png"]
    assert image.get_payload(decode=True) == PNG
    assert image.get_content_type() == "image/png"
    (html,) = [part for part in mail.walk() if part.get_content_type() == "text/html"]
    text = html.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert b'<img src="cid:chart.png">' in text
    assert image["Content-ID"] == "<chart.png>"
    assert len(box.mails[0].content) < 50_000


def test_a_channel_with_pictures_switched_off_gets_the_message_alone(send: Send) -> None:
    with peer(ntfy(200)) as there:
        send(NTFY, there, takes_picture=False)
    assert PNG not in there.requests[0].body


@pytest.mark.parametrize("address", ["gotify://127.0.0.1:PORT/token", "webhook"])
def test_channels_without_pictures_have_none_drawn(address: str, message: Message) -> None:
    def never() -> bytes:
        raise AssertionError("drawn")

    with peer(Reply(200, "{}")) as there:
        secrets = Secrets(address.replace("PORT", str(there.port)))
        made: Any = AppriseChannel(secrets, lambda _: True)
        if address == "webhook":
            made = Webhook(Secrets(there.url, "s" * 20), lambda _: True)
        made.send(msgspec.structs.replace(message, picture=never))
    assert len(there.requests) == 1


def test_a_message_without_bars_is_sent_without_a_picture(message: Message) -> None:
    with peer(ntfy(200)) as there:
        secrets = Secrets(NTFY.replace("PORT", str(there.port)))
        empty = msgspec.structs.replace(message, picture=lambda: None)
        AppriseChannel(secrets, lambda _: True).send(empty)
    assert "Test alert" in json.loads(there.requests[0].body)["title"]


@pytest.mark.parametrize(("address", "reply"), [(NTFY, ntfy), (TELEGRAM, telegram)])
def test_a_message_that_is_refused_with_its_picture_is_sent_without(
    address: str, reply: Callable[[int], Reply], send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    with peer(reply(400), reply(200)) as there:
        send(address, there)
    with_picture, without = there.requests
    assert PNG in with_picture.body
    assert "Test alert" in without.body.decode()
    assert "refused a message with its picture: answered 400" in caplog.text


def test_a_refusal_of_both_is_lasting(send: Send) -> None:
    with peer(ntfy(401)) as there, pytest.raises(Lasting, match="answered 401"):
        send(NTFY, there)
    assert len(there.requests) == 2


@pytest.mark.parametrize("reply", [ntfy(429), ntfy(500), LOSE])
def test_passing_failures_are_left_to_the_next_attempt(reply: Reply, send: Send) -> None:
    with peer(reply) as there, pytest.raises(Passing):
        send(NTFY, there)
    assert len(there.requests) == 1


@pytest.mark.parametrize("reply", [discord(400), discord(500), LOSE])
def test_a_message_that_is_out_is_not_repeated_for_its_picture(reply: Reply, send: Send) -> None:
    with peer(discord(200), reply) as there:
        send(DISCORD, there)
    assert len(there.requests) == 2


def test_a_message_that_is_refused_has_no_picture_sent_after_it(send: Send) -> None:
    with peer(discord(404)) as there, pytest.raises(Lasting, match="answered 404"):
        send(DISCORD, there)
    assert len(there.requests) == 1


def test_a_picture_does_not_lengthen_the_attempt(send: Send) -> None:
    with peer(HANG) as there, pytest.raises(Passing, match=r"no answer within 0\.2 s"):
        send(NTFY, there, seconds=0.2)
    assert outbound.SEND_SECONDS < 10
