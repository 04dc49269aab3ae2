"""The signature of a webhook's messages, as docs/channels.md has receivers verify it."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.webhook import Webhook
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.messages import Message
from rigs.alert_peers import Received, Reply, peer

PAGE = Path(__file__).parents[3] / "docs" / "channels.md"
SECRET = "a-secret-of-forty-characters-or-thereabouts"
NOW = 1_763_654_400


@pytest.fixture
def received(message: Message) -> Received:
    with peer(Reply(200)) as there:
        Webhook(Secrets(f"{there.url}/hook", SECRET), lambda _: True, now=lambda: NOW).send(message)
    return there.requests[0]


def code_of(language: str) -> str:
    """The page's block that verifies in a language."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.S)
    return str(
        next(block for block in blocks if "Ticktape-Signature" in block or "signature" in block)
    )


def test_the_body_is_the_alert_and_headers_tell_when_and_what(
    received: Received, message: Message
) -> None:
    assert received.body == message.data.encode()
    assert received.headers["Content-Type"] == "application/json"
    assert received.headers["Ticktape-Timestamp"] == str(NOW)
    assert received.headers["Ticktape-Event"] == "test"


def test_the_signature_is_over_timestamp_and_body(received: Received) -> None:
    signed = f"{NOW}.".encode() + received.body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert received.headers["Ticktape-Signature"] == f"v1={expected}"


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({}, True),
        ({"body": b"{}"}, False),
        ({"timestamp": str(NOW - 1)}, False),
        ({"signature": "v1=" + "0" * 64}, False),
        ({"now": NOW + 301}, False),
    ],
)
def test_the_pages_python_verifies_it(
    received: Received, change: dict[str, Any], accepted: bool
) -> None:
    scope: dict[str, Any] = {}
    exec(code_of("python"), scope)
    given = {
        "secret": SECRET,
        "timestamp": received.headers["Ticktape-Timestamp"],
        "signature": received.headers["Ticktape-Signature"],
        "body": received.body,
        "now": NOW + 10,
        **change,
    }
    assert scope["is_genuine"](**given) is accepted


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize("tampered", [False, True])
def test_the_pages_shell_verifies_it(received: Received, tampered: bool, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(received.body + b" " * tampered)
    variables = {
        **os.environ,
        "SECRET": SECRET,
        "TIMESTAMP": received.headers["Ticktape-Timestamp"],
        "SIGNATURE": received.headers["Ticktape-Signature"],
    }
    done = subprocess.run(
        ["bash", "-c", code_of("bash")],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip() == "genuine") is not tampered, done.stderr
