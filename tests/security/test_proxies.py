"""If the shell sets a proxy, no request to this machine goes through it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from embedded_aws.http_server import Server
from embedded_aws.process import plain_environment
from producer.sources.pushed.connection import connect
from producer.sources.pushed.http import Http
from tests.local_support.system import ROOT, LocalSystem, environment
from tests.patience import PATIENCE_SECONDS

NAMES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


class Proxy:
    """A proxy that answers nothing, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def parse_request(self) -> bool:
                """Whatever is asked."""
                asked.append(str(vars(self)["raw_requestline"]))
                return False

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Requests are not logged."""

        self.server = Server(0)
        self.server.start(Handler)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A running proxy."""
    made = Proxy()
    yield made
    made.server.stop()


@pytest.mark.parametrize("name", NAMES)
def test_the_token_goes_to_the_api_and_not_to_a_proxy(
    system: LocalSystem, proxy: Proxy, name: str
) -> None:
    api = f"http://127.0.0.1:{system.api_port}"
    done = subprocess.run(
        [sys.executable, "-m", "local", "forget", "NEVER", "--api", api],
        cwd=ROOT,
        env=environment() | {name: proxy.server.address},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert (done.returncode, done.stdout) == (0, "NEVER: nothing was stored\n"), done.stderr
    assert proxy.asked == []


@pytest.mark.parametrize("name", NAMES)
def test_the_embedded_aws_posts_alerts_to_this_machine_itself(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example")
    made = plain_environment()
    assert made["NO_PROXY"] == "internal.example,127.0.0.1,localhost"
    assert "127.0.0.1" in made["no_proxy"]


@pytest.mark.parametrize("name", NAMES)
def test_a_producers_keys_for_this_machine_pass_no_proxy(
    monkeypatch: pytest.MonkeyPatch, proxy: Proxy, name: str
) -> None:
    """Nothing listens where they are sent."""
    monkeypatch.setenv(name, proxy.server.address)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(OSError, match="refused"):
        Http("the API", "http://127.0.0.1:1", {"Authorization": "Bearer x"}).get("/", {})
    with pytest.raises(OSError, match="refused"):
        connect("ws://127.0.0.1:1").__enter__()
    assert proxy.asked == []
