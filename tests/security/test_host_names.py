"""A site's name that was rebound to 127.0.0.1: its page would have the servers' own origin."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from commands.outcomes import UsageError
from embedded_aws.http_server import Server
from local import page_server
from local.arguments import parse
from tests.local_support.system import LocalSystem
from tests.patience import PATIENCE_SECONDS

ALLOWED = ["127.0.0.1", "127.0.0.1:{}", "[::1]:{}", "LocalHost:{}", "localhost:9"]
REFUSED = [
    "evil.example",
    "evil.example:{}",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "2130706433:{}",
    "0.0.0.0:{}",
    "localhost.:{}",
    "",
]


def ask(port: int, *hosts: str, path: str = "/") -> tuple[int, str]:
    """Status and text of a GET with these Host headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.putrequest("GET", path, skip_host=True)
        for host in hosts:
            connection.putheader("Host", host.format(port))
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("host", ALLOWED)
def test_local_names_are_served(system: LocalSystem, host: str) -> None:
    assert ask(system.api_port, host, path="/health")[0] == 200
    assert ask(system.page_port, host)[0] in (200, 307)  # the page has one name


@pytest.mark.parametrize("host", REFUSED)
def test_other_names_are_refused(system: LocalSystem, host: str) -> None:
    for path in ("/health", "/symbols", "/nowhere"):
        status, text = ask(system.api_port, host, path=path)
        assert status == 421
        assert "misdirected-request" in text
    for path in ("/", "/config.json"):
        status, text = ask(system.page_port, host, path=path)
        assert status == 421
        assert "--allow-host" in text


def test_one_name_is_needed(system: LocalSystem) -> None:
    for port in (system.api_port, system.page_port):
        assert ask(port)[0] == 421
        assert ask(port, "127.0.0.1", "evil.example")[0] == 421
        assert ask(port, "evil.example", "127.0.0.1")[0] == 421


@pytest.fixture
def proxied() -> Iterator[Server]:
    options = parse(["--source", "none", "--data", "none", "--allow-host", "Ticks.Example"])
    server = Server(0, options.allow_hosts)
    server.start(page_server.handler("http://api", {}))
    yield server
    server.stop()


def test_an_allowed_host_name_is_served(proxied: Server) -> None:
    assert ask(proxied.port, "ticks.example:443")[0] == 200
    assert ask(proxied.port, "127.0.0.1:{}")[0] == 200
    assert ask(proxied.port, "other.example")[0] == 421


@pytest.mark.parametrize("name", ["*", "a b", "a:80", "http://a", "", "a/b", "a\n"])
def test_an_invalid_host_name_cannot_be_allowed(name: str) -> None:
    with pytest.raises(UsageError, match="--allow-host"):
        parse(["--source", "none", "--allow-host", name])
