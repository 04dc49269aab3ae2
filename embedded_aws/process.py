"""Starts, watches and stops the emulator's process."""

from __future__ import annotations

import http.client
import json
import logging
import os
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from embedded_aws.backlog import Position, Waiting
from embedded_aws.child import how_it_ended
from embedded_aws.environment import Keys, bypass_proxy, keys_for_child, new_keys
from embedded_aws.errors import EmulatorError, EndedError
from embedded_aws.outside import DISK_FULL, PRIVATE
from embedded_aws.signing import signed

START_SECONDS = 300.0
"""The most seconds until the emulator answers, which include the conversion of an older file."""
STOP_SECONDS = 2.0
_MOMENT_SECONDS = 0.1
_NONE_SEEN = -1
"""Differs from every number of changes, so that the emulator answers immediately."""


class EmulatorProcess:
    """A running emulator. Its `endpoint` is known once `wait_until_ready` has returned.

    The emulator deletes expired data every `sweep_seconds`, or only on request if that is 0. It
    serves requests that are signed with `keys`, which are new at each start.
    """

    def __init__(self, port: int, database: Path | None, sweep_seconds: float = 0.0) -> None:
        self.keys = new_keys()
        command = [sys.executable, "-m", "embedded_aws.child", "embedded_aws.server"]
        command += ["--port", str(port), "--sweep-seconds", str(sweep_seconds)]
        if database is not None:
            command += ["--database", str(database)]
        self._database = database
        self._process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**plain_environment(), **keys_for_child(self.keys)},
            cwd=Path(__file__).resolve().parents[1],
            start_new_session=True,
        )
        self.port = port

    @property
    def endpoint(self) -> str:
        """Return the emulator's address, for AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Return whether the emulator's process still runs."""
        return self._process.poll() is None

    def filter(self, _record: logging.LogRecord) -> bool:
        """Return whether a logging handler should log an error.

        When the emulator ends, connections break first, on a busy machine long before its process
        ends. So an error is logged only if the emulator still answers.
        """
        return self.alive() and EmulatorControl(self.port, self.keys).answers()

    def wait(self) -> str:
        """Block until the emulator's process ends. Return the reason."""
        status = self._process.wait()
        if status == DISK_FULL:
            place = self._database or f"the temporary folder {tempfile.gettempdir()}"
            return f"{place} cannot be written any more: is the disk full?"
        return f"embedded AWS {how_it_ended(status)}"

    def wait_until_ready(self, ended: threading.Event | None = None) -> None:
        """Block until the emulator answers.

        Raises EmulatorError if it ends or takes too long, and EndedError if `ended` is set first.
        """
        word, _, rest = self._first_line(ended or threading.Event()).partition(" ")
        if word != "ready":
            self.stop()
            raise EmulatorError(rest.strip() or "the emulator ended before it was ready")
        self.port = int(rest)

    def _first_line(self, ended: threading.Event) -> str:
        if self._process.stdout is None:
            raise EmulatorError("the emulator's output is not ours to read")
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            deadline = time.monotonic() + START_SECONDS
            while not selector.select(_MOMENT_SECONDS):
                if ended.is_set():
                    raise EndedError
                if time.monotonic() > deadline:
                    return f"error not ready within {START_SECONDS:.0f} s"
        return self._process.stdout.readline().decode()

    def stop(self) -> None:
        """Stop the emulator. All acknowledged changes are on disk already."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        end(self._process, STOP_SECONDS)


class EmulatorControl:
    """Calls the emulator's own operations: wait for changes, trim streams, delete expired data."""

    def __init__(self, port: int, keys: Keys) -> None:
        self._port = port
        self._keys = keys

    def wait_for_changes(self, seen: int, timeout_seconds: float) -> int:
        """Return the number of records put since the start, as soon as it differs from `seen`."""
        answer = self._ask("changes", seen=seen, timeout_seconds=timeout_seconds)
        return int(answer["count"])

    def trim(self, kind: str, name: str, shard: str, upto: str, older_than_seconds: float) -> int:
        """Delete a shard's records up to and including the sequence number `upto`, if they are
        older than `older_than_seconds`. Return how many were deleted."""
        before = time.time() - older_than_seconds
        request = {"kind": kind, "name": name, "shard": shard, "upto": upto, "before": before}
        total = 0
        while count := int(self._ask("trim", **request)["trimmed"]):
            total += count
        return total

    def waiting(self, streams: Sequence[Position], queues: Sequence[str]) -> Waiting:
        """Return the number and age of the records after these positions and in these queues."""
        found = self._ask("waiting", streams=list(streams), queues=list(queues))
        return Waiting(int(found["count"]), found["oldest"])

    def sweep(self, now: float) -> dict[str, int]:
        """Delete all data that has expired at the epoch second `now`. Return the counts by kind."""
        done: dict[str, int] = self._ask("sweep", now=now)["done"]
        return done

    def answers(self) -> bool:
        """Return whether the emulator answers. If it is too busy to answer in time, return True."""
        try:
            self.wait_for_changes(_NONE_SEEN, 0.0)
        except TimeoutError:
            return True
        except (OSError, ValueError):
            return False
        return True

    def _ask(self, what: str, **request: Any) -> dict[str, Any]:
        """Send a request for one of the emulator's own operations and return the answer.

        Raises OSError if the emulator cannot be reached or ends meanwhile, and ValueError if the
        answer is not JSON.
        """
        timeout = float(request.get("timeout_seconds", 10.0)) + 10.0
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            body = json.dumps(request).encode()
            url = f"http://127.0.0.1:{self._port}{PRIVATE}{what}"
            headers = signed(self._keys, "ticktape", "POST", url, body)
            connection.request("POST", PRIVATE + what, body, headers)
            text = connection.getresponse().read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"half an answer: {error!r}") from error
        finally:
            connection.close()
        answer: dict[str, Any] = json.loads(text)
        return answer


def end(process: subprocess.Popen[Any], seconds: float) -> None:
    """Ask a child process to end. Kill the process if it still runs after `seconds`."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def plain_environment() -> dict[str, str]:
    """Return this process's environment without settings of an AWS account, Docker or moto.

    One setting is added: it keeps moto from letting web pages of other origins read its answers.
    """
    dropped = ("AWS_", "BOTO_", "DOCKER_", "MOTO_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    ours = {"AWS_EC2_METADATA_DISABLED": "true", "MOTO_DISABLE_GLOBAL_CORS": "true"}
    environ = {**kept, **ours, "PYTHONUNBUFFERED": "1"}
    bypass_proxy(environ)  # moto posts to a topic's subscribers through the configured proxy
    return environ
