"""Which hosts channels may connect to, and that a connection goes where the check looked."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import requests

from chalicelib.adapters.outbound_http import failure_of
from chalicelib.adapters.webhook import Webhook
from chalicelib.domain.addresses import is_public
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.deliveries import DeliveryError, Lasting, Passing
from chalicelib.domain.messages import Message
from rigs.alert_peers import HANG, Reply, peer

REFUSED = [
    "127.0.0.1",
    "127.1.2.3",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "0.0.0.0",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "64:ff9b::7f00:1",
    "168.63.129.16",
    "192.0.0.192",
    "192.88.99.1",
    "3fff::1",
    "localhost",
]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_beyond_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(address)


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Have names resolve to these addresses, one list after the other; the names asked for."""
    asked: list[str] = []
    left = list(answers)
    plain = socket.getaddrinfo

    def resolve(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        if host.replace(".", "").isdigit() or ":" in host:
            return plain(host, port, *rest, **named)
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1", "[::1]"])
def test_every_spelling_of_loopback_is_refused(host: str, message: Message) -> None:
    with pytest.raises(Lasting, match="not on the public internet"):
        Webhook(Secrets(f"https://{host}:1/", "s" * 20)).send(message)


def test_a_name_with_one_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, message: Message
) -> None:
    resolving(monkeypatch, ["93.184.215.14", "169.254.169.254"])
    with pytest.raises(Lasting, match="not on the public internet"):
        Webhook(Secrets("https://hooks.example/", "s" * 20)).send(message)


def test_a_name_is_resolved_once_and_its_checked_address_connected_to(
    monkeypatch: pytest.MonkeyPatch, message: Message
) -> None:
    checked: list[str] = []

    def allows(address: str) -> bool:
        checked.append(address)
        return True

    asked = resolving(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])  # rebound after the check
    with peer(Reply(200)) as there:
        Webhook(Secrets(f"http://rebound.example:{there.port}/", "s" * 20), allows).send(message)
        assert there.requests[0].headers["Host"] == f"rebound.example:{there.port}"
    assert (asked, checked) == (["rebound.example"], ["127.0.0.1"])


def test_a_name_that_does_not_resolve_passes(
    monkeypatch: pytest.MonkeyPatch, message: Message
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(Passing, match="does not resolve"):
        Webhook(Secrets("https://hooks.example/", "s" * 20)).send(message)


def test_proxies_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch, message: Message
) -> None:
    with peer(Reply(200)) as proxy, peer(Reply(200)) as there:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        Webhook(Secrets(f"{there.url}/", "s" * 20), lambda _: True).send(message)
    assert (len(there.requests), proxy.requests) == (1, [])


def test_no_setting_of_the_environment_lets_loopback_in() -> None:
    defaults = Webhook.__init__.__defaults__ or ()
    assert is_public in defaults


def test_a_connection_that_hangs_in_the_tls_handshake_ends_at_the_deadline(
    message: Message,
) -> None:
    with peer(HANG) as there:
        channel = Webhook(
            Secrets(f"https://127.0.0.1:{there.port}/", "s" * 20), lambda _: True, seconds=0.2
        )
        with pytest.raises(Passing):
            channel.send(message)


@pytest.mark.parametrize(("status", "kind"), [(404, Lasting), (429, Passing), (503, Passing)])
def test_a_pause_of_very_many_digits_is_passed_over(status: int, kind: type[DeliveryError]) -> None:
    response = requests.Response()
    response.status_code = status
    response._content = b'{"retry_after": ' + b"9" * 400 + b"}"
    failure = failure_of(response)
    assert type(failure) is kind
    assert getattr(failure, "retry_after", None) is None
