"""The real apprise, and webhooks, in front of peers that answer as the services do."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest

from chalicelib.adapters import apprise_channel, outbound, outbound_http
from chalicelib.adapters.apprise_channel import AppriseChannel
from chalicelib.adapters.webhook import Webhook
from chalicelib.domain.addresses import is_public
from chalicelib.domain.channel_secrets import SERVICES, Secrets
from chalicelib.domain.deliveries import DeliveryError, Lasting, Passing
from chalicelib.domain.messages import Message
from chalicelib.services.delivery.channel import Channel
from rigs import alert_peers
from rigs.alert_peers import CLOSE, HANG, LOSE, Peer, Reply, peer

TOKEN = "TIiajkdnlazkcOXrIdevi7FQ"
ADDRESSES = {
    "telegram": f"tgram://123456789:{TOKEN}/12315544",
    "discord": f"discord://4174216298/{TOKEN}",
    "slack": f"slack://T1JJ3T3L2/A1BRTD4JD/{TOKEN}/#general",
    "ntfy": f"ntfy://:{TOKEN}@127.0.0.1:PORT/alerts",
    "webhook": f"http://127.0.0.1:PORT/{TOKEN}",
}
REPLIES: dict[str, Callable[[int], Reply]] = {
    name: getattr(alert_peers, name) for name in ADDRESSES
}
BRIEF_SECONDS = 0.2


def anywhere(_: str) -> bool:
    """A policy that lets tests connect to their own peers."""
    return True


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Channel]:
    """Makes a channel of a service whose host is a peer."""

    def make(name: str, there: Peer, seconds: float = outbound.SEND_SECONDS) -> Channel:
        secrets = Secrets(ADDRESSES[name].replace("PORT", str(there.port)), "s" * 20)
        if name == "webhook":
            return Webhook(secrets, anywhere, seconds=seconds)
        apprise_channel.prepare()
        fixed = {
            "telegram": ("tgram", "notify_url", f"{there.url}/bot"),
            "discord": ("discord", "notify_url", there.url),
            "slack": ("slack", "webhook_url", there.url),
        }
        if name in fixed:
            scheme, attribute, url = fixed[name]
            monkeypatch.setattr(apprise_channel.plugin_class(scheme), attribute, url)
        return AppriseChannel(secrets, anywhere, seconds)

    return make


def failed(channel: Channel, message: Message) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        channel.send(message)
    return raised.value


def moved_to(target: Peer) -> Reply:
    return Reply(307, "", {"Location": f"{target.url}/elsewhere"})


services = pytest.mark.parametrize("name", sorted(ADDRESSES))


@services
def test_a_message_is_sent_once(
    name: str, channel: Callable[..., Channel], message: Message
) -> None:
    with peer(REPLIES[name](200)) as there:
        channel(name, there).send(message)
    (request,) = there.requests
    assert request.method == "POST"
    text = json.dumps(json.loads(request.body)) if name != "ntfy" else request.body.decode()
    assert "Test alert of Ticktape for AAPL" in text


@services
@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refusal_is_lasting_and_asked_for_once(
    name: str, status: int, channel: Callable[..., Channel], message: Message
) -> None:
    with peer(REPLIES[name](status)) as there:
        error = failed(channel(name, there), message)
    assert (type(error), error.reason) == (Lasting, f"answered {status}")
    assert len(there.requests) == 1


@services
def test_throttling_passes_after_the_time_that_the_service_names(
    name: str, channel: Callable[..., Channel], message: Message
) -> None:
    with peer(REPLIES[name](429)) as there:
        error = failed(channel(name, there), message)
    assert isinstance(error, Passing)
    assert (error.reason, error.retry_after) == ("answered 429", 7.0)
    assert len(there.requests) == 1


@services
def test_a_fault_of_the_server_passes(
    name: str, channel: Callable[..., Channel], message: Message
) -> None:
    with peer(REPLIES[name](500)) as there:
        error = failed(channel(name, there), message)
    assert (type(error), error.reason) == (Passing, "answered 500")
    assert len(there.requests) == 1


@services
@pytest.mark.parametrize("reply", [CLOSE, LOSE], ids=["closed connection", "lost answer"])
def test_a_connection_without_an_answer_passes(
    name: str, reply: Reply, channel: Callable[..., Channel], message: Message
) -> None:
    with peer(reply) as there:
        error = failed(channel(name, there), message)
    assert (type(error), error.reason) == (Passing, "the connection ended without an answer")


@services
def test_a_hang_ends_at_the_deadline(
    name: str, channel: Callable[..., Channel], message: Message
) -> None:
    with peer(HANG) as there:
        error = failed(channel(name, there, BRIEF_SECONDS), message)
    assert (type(error), error.reason) == (Passing, f"no answer within {BRIEF_SECONDS} s")


@services
def test_a_redirect_is_not_followed(
    name: str, channel: Callable[..., Channel], message: Message
) -> None:
    with peer(REPLIES[name](200)) as target, peer(moved_to(target)) as there:
        error = failed(channel(name, there), message)
    assert (type(error), error.reason) == (Lasting, "answered 307; redirects are not followed")
    assert target.requests == []


@services
def test_without_a_policy_for_tests_loopback_is_refused(
    name: str, channel: Callable[..., Channel], message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    with peer(REPLIES[name](200)) as there:
        made = channel(name, there)
        monkeypatch.setattr(made, "_allows", is_public)
        error = failed(made, message)
    assert isinstance(error, Lasting)
    assert "not on the public internet" in error.reason
    assert there.requests == []


@services
def test_nothing_that_is_logged_or_told_holds_the_secret(
    name: str,
    channel: Callable[..., Channel],
    message: Message,
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = []
    with caplog.at_level(logging.DEBUG):
        for reply in (REPLIES[name](200), REPLIES[name](401), LOSE):
            with peer(reply) as there:
                made = channel(name, there)
                try:
                    made.send(message)
                except DeliveryError as error:
                    told += [str(error), repr(error), repr(error.__context__)]
    assert len(told) == 6
    assert TOKEN not in "\n".join([*told, caplog.text, repr(made)])


def test_a_long_answer_is_cut_and_counts_by_its_status(
    channel: Callable[..., Channel], message: Message
) -> None:
    with peer(Reply(200, "x" * 1_000_000)) as there:
        channel("webhook", there).send(message)
        assert len(there.requests) == 1
        with outbound.Attempt(anywhere):
            answer = outbound_http.send("POST", there.url, data=b"{}")
    assert answer.content == b"x" * outbound_http.MOST_ANSWER_BYTES


@pytest.mark.parametrize("scheme", sorted(SERVICES))
def test_every_allowed_scheme_is_one_of_its_plugin(scheme: str) -> None:
    apprise_channel.prepare()
    kind = apprise_channel.plugin_class(scheme)
    named = []
    for claimed in (kind.protocol, kind.secure_protocol):
        named += [claimed] if isinstance(claimed, str) else list(claimed or ())
    assert scheme in named


@pytest.mark.parametrize("scheme", ["dbus", "macosx", "syslog", "json", "file", "windows", ""])
def test_a_scheme_that_is_not_allowed_loads_nothing(scheme: str, message: Message) -> None:
    error = failed(AppriseChannel(Secrets(f"{scheme}://host")), message)
    assert (type(error), "not allowed" in error.reason) == (Lasting, True)


def test_an_address_that_apprise_cannot_read_is_lasting(message: Message) -> None:
    error = failed(AppriseChannel(Secrets(f"tgram://{TOKEN}")), message)
    assert (type(error), error.reason) == (Lasting, "apprise cannot read the address")
