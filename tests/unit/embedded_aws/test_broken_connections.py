"""What the parent makes of connections that break because the emulator ends."""

from __future__ import annotations

import logging
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from embedded_aws.environment import new_keys
from embedded_aws.process import EmulatorControl, EmulatorProcess
from rigs.ports import free_ports

HALF = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"cou'
WHOLE = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"count": 3}'
RECORD = logging.makeLogRecord({"msg": "cannot read the stream"})


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Answer the first request with these bytes and close the connection; the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while b"}" not in connection.recv(65536):  # the end of the request's body
                    pass
                connection.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        yield server.getsockname()[1]
        serving.join()


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], EmulatorProcess]:
    """A process that was killed and has not ended yet, as far as its parent can see."""
    running = SimpleNamespace(poll=lambda: None)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: running)
    return lambda port: EmulatorProcess(port, None)


def test_half_an_answer_is_an_error_of_the_connection() -> None:
    with answering(HALF) as port, pytest.raises(ConnectionError, match="IncompleteRead"):
        EmulatorControl(port, new_keys()).wait_for_changes(0, 0.0)


def test_errors_are_logged_while_the_emulator_answers(
    emulator: Callable[[int], EmulatorProcess],
) -> None:
    with answering(WHOLE) as port:
        assert emulator(port).filter(RECORD)


@pytest.mark.parametrize("answer", [HALF, b""], ids=["half an answer", "no answer"])
def test_errors_are_not_logged_once_its_connections_break(
    emulator: Callable[[int], EmulatorProcess], answer: bytes
) -> None:
    with answering(answer) as port:
        assert not emulator(port).filter(RECORD)


def test_errors_are_not_logged_once_nobody_listens(
    emulator: Callable[[int], EmulatorProcess],
) -> None:
    (port,) = free_ports(1)
    assert not emulator(port).filter(RECORD)
