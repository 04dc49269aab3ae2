"""What reaches the terminal, and what a foreign POST to the subscriber's port can do: nothing."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import logging
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from embedded_aws import subscriber
from embedded_aws.http_server import Server
from local import notifications
from local.counters import Snapshot
from local.live_terminal import LiveTerminal
from local.terminal import PlainTerminal
from producer.cli import main as produce
from tests.local_support.aws import clients_of
from tests.local_support.system import ROOT, LocalSystem
from tests.patience import PATIENCE_SECONDS
from untrusted.printable import PrintableFormatter, printable

HOSTILE = "A\x1b]0;owned\x07\x1b[2J\x9b31m\u202eB\r\x08\u2066C\x7f\u2028D"
PLAIN = "A]0;owned[2J31mBCD"


class Subscriber:
    """A subscriber, what it showed, and an AWS that counts what it is asked."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []
        self.asked: list[str] = []
        asked = self.asked

        class Aws(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Requests are not logged."""

        self.aws, self.server = Server(0), Server(0)
        self.aws.start(Aws)
        self.path = subscriber.secret_path()
        self.server.start(
            subscriber.handler(
                notifications.shown(lambda *told: self.shown.append(told)),
                self.path,
                self.aws.address,
            )
        )

    def post(self, body: Any, path: str | None = None, **headers: str) -> int:
        """The status of a POST to the secret path, or to another one."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, PATIENCE_SECONDS)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("POST", self.path if path is None else path, raw, named)
            return connection.getresponse().status
        finally:
            connection.close()

    def confirm(self, url: str) -> None:
        """A request to confirm a subscription at an address."""
        assert self.post({"Type": "SubscriptionConfirmation", "SubscribeURL": url}) == 200


@pytest.fixture
def listening() -> Iterator[Subscriber]:
    made = Subscriber()
    yield made
    made.server.stop()
    made.aws.stop()


MESSAGE = {"Type": "Notification", "MessageId": "m1", "Subject": HOSTILE}


@pytest.mark.parametrize("path", ["/", "/x", "/../", "//", "/%00", ""])
def test_posts_to_another_path_show_nothing(listening: Subscriber, path: str) -> None:
    assert listening.post(MESSAGE, path) == 404
    assert listening.post(MESSAGE, listening.path[:-1]) == 404
    assert listening.post(MESSAGE, listening.path + "/") == 404
    assert listening.shown == []


def test_each_subscriber_has_a_path_of_its_own() -> None:
    paths = {subscriber.secret_path() for _ in range(100)}
    assert len(paths) == 100
    assert min(map(len, paths)) > 30


def test_a_hostile_message_is_shown_without_control_characters(listening: Subscriber) -> None:
    alert = json.dumps({"timestamp": "2026-11-20T15:30:00.000000Z\x1b[2J\nnext line"})
    listening.post({**MESSAGE, "Message": alert})
    ((timestamp, subject),) = listening.shown
    assert timestamp == "2026-11-20T15:30:00.000000Z[2J next line"
    assert subject == printable(subject)
    assert "\n" not in subject


def test_a_digest_is_shown_with_the_time_at_which_it_ends(listening: Subscriber) -> None:
    digest = json.dumps({"digest_id": "d1", "until": "2026-11-20T16:00:00.000000Z"})
    listening.post({**MESSAGE, "Subject": "31 alerts on 3 symbols", "Message": digest})
    assert listening.shown == [("2026-11-20T16:00:00.000000Z", "31 alerts on 3 symbols")]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b'"text"', b"null", b"\xff", b'{"MessageId": {}}']
)
def test_invalid_messages_are_ignored(listening: Subscriber, body: bytes) -> None:
    assert listening.post(body) == 200
    assert listening.post(MESSAGE) == 200
    assert listening.shown[-1][1].startswith("A")


@pytest.mark.parametrize("length", ["x", "-1", "9" * 5000, str(10**8)])
def test_a_length_that_cannot_be_is_refused(listening: Subscriber, length: str) -> None:
    assert listening.post(b"", Content_Length=length) in (411, 413)


def test_only_this_aws_is_asked_to_confirm(listening: Subscriber) -> None:
    elsewhere = Subscriber()
    action = "?Action=ConfirmSubscription&Token=t"
    port = listening.aws.port
    for url in (
        f"{elsewhere.aws.address}/{action}",
        f"http://127.0.0.1:{port}@{elsewhere.aws.address[7:]}/{action}",
        f"http://localhost:{elsewhere.aws.port}/{action}",
        f"https://evil.example/{action}",
        f"file:///etc/passwd{action}",
        f"{listening.aws.address}/?Action=DeleteTopic",
        f"{listening.aws.address}/moto-api/reset",
        "http://[",
        "",
    ):
        listening.confirm(url)
    assert (elsewhere.asked, listening.asked) == ([], [])
    listening.confirm(f"{listening.aws.address}/{action}")
    assert listening.asked == [f"/{action}"]
    elsewhere.server.stop()
    elsewhere.aws.stop()


def test_the_running_systems_subscriber_has_a_secret_path(system: LocalSystem) -> None:
    facts = system.facts()
    sns = clients_of(facts["aws"], system.keys())("sns")
    (found,) = system.until(lambda: sns.list_subscriptions()["Subscriptions"])
    address = found["Endpoint"]
    port = int(address.split(":")[2].split("/")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    connection.request("POST", "/", json.dumps(MESSAGE))
    assert connection.getresponse().status == 404
    connection.close()
    sns.publish(TopicArn=found["TopicArn"], Message="{}", Subject="a plain subject")
    system.until(lambda: "a plain subject" in system.output())
    assert "owned" not in system.output()


def test_no_terminal_is_sent_control_characters() -> None:
    out = io.StringIO()
    plain = PlainTerminal(Snapshot, out)
    plain.note(HOSTILE)
    plain.alert(HOSTILE, HOSTILE)
    assert out.getvalue() == f"{PLAIN}\nalert {PLAIN} {PLAIN}\n"
    drawn = io.StringIO()
    now = Snapshot(source=HOSTILE, state=HOSTILE, quarantined=1, quarantine_reason=HOSTILE)
    live = LiveTerminal(lambda: now, Console(file=drawn, width=200, no_color=True))
    live.note(HOSTILE)
    live.alert(HOSTILE, HOSTILE)
    live._console.print(live.render())
    assert drawn.getvalue().count(PLAIN) >= 4
    assert not (set(HOSTILE) - set(PLAIN)) & set(drawn.getvalue())


def test_the_producer_prints_no_control_characters_of_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = tmp_path / "a\x1b]0;pwn\x07.csv"
    hostile.write_text("b\x1b[31m,c\n1,2\n")
    assert produce(["backfill", "--sink", "stdout", "--file", str(hostile)]) == 2
    told = capsys.readouterr().err
    assert "b[31m" in told
    assert told == printable(told)


def test_no_log_line_has_control_characters() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "read %s", (HOSTILE,), None)
    assert PrintableFormatter("%(message)s").format(record) == f"read {PLAIN}"


def test_a_command_prints_none_to_a_terminal_and_all_to_a_pipe() -> None:
    code = (
        "import sys; import commands; from local import cli\n"
        "text = bytes.fromhex(sys.argv[1]).decode()\n"
        "commands.COMMANDS['env'] = lambda _: print(text) or print(text, file=sys.stderr) or 0\n"
        "cli.main(['env'])"
    )
    command = [sys.executable, "-c", code, HOSTILE.encode().hex()]
    piped = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert piped.stdout.decode() == HOSTILE + "\n"
    assert piped.stderr.decode() == PLAIN + "\n"
    main, other = pty.openpty()
    seen: list[bytes] = []
    reader = threading.Thread(target=lambda: seen.extend(_read(main)))
    reader.start()
    subprocess.run(command, cwd=ROOT, stdout=other, stderr=other, check=True)
    os.close(other)
    reader.join()
    os.close(main)
    assert b"".join(seen).decode() == f"{PLAIN}\r\n" * 2


def _read(terminal: int) -> Iterator[bytes]:
    with contextlib.suppress(OSError):  # how Linux says that nobody writes any more
        while found := os.read(terminal, 4096):
            yield found
