"""The patched moto server: `python -m embedded_aws.server --port 0 --database FILE`.

The server prints `ready PORT` once it answers. Each request is one transaction. Requests run one at
a time, since moto's structures do not support concurrent writes. It listens on 127.0.0.1 and serves
only requests signed with its parent's keys (`admission`). The parent holds the server's standard
input. When the input closes, the server ends, so that it never outlives its parent.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from embedded_aws.emulator import database
from embedded_aws.emulator.admission import LET_IN, Admission
from embedded_aws.emulator.admission import answer as answer_refusal
from embedded_aws.emulator.backlog import waiting
from embedded_aws.emulator.conditions import leave_out_unreadable
from embedded_aws.emulator.expiring import ItemExpiry
from embedded_aws.emulator.glue import list_partitions
from embedded_aws.emulator.lifecycles import ObjectExpiry
from embedded_aws.emulator.message_expiry import MessageExpiry
from embedded_aws.emulator.object_reading import list_names, packed_bodies
from embedded_aws.emulator.sweeping import FreePages, Sweeping
from embedded_aws.emulator.trimming import Retention, StreamTrimming, trim
from embedded_aws.environment import Keys, keys_from_parent
from embedded_aws.limited_server import stated_length
from embedded_aws.outside import DISK_FULL, PRIVATE

_TOPICS, _QUEUES = "/sns/", "/sqs/"
"""Paths of the services whose requests may wait: SNS for subscribers' answers, SQS for messages."""

_ATHENA, _GLUE, _KMS = "/athena/", "/glue/", "/kms/"


_DRAINED_BYTES = 1024 * 1024
"""The most bytes read of a refused body, so that a client that still sends gets the answer."""


class Changes:
    """Counts the records added to streams and queues, and lets readers wait for more."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0

    def add(self) -> None:
        """Count one added record. Readers are woken only after the transaction, by `wake`."""
        self._count += 1

    def wake(self) -> None:
        """Wake all readers that wait."""
        with self._condition:
            self._condition.notify_all()

    def wait(self, seen: int, timeout_seconds: float) -> int:
        """Return the count as soon as it differs from `seen` or the time is up."""
        with self._condition:
            self._condition.wait_for(lambda: self._count != seen, timeout_seconds)
            return self._count


class Emulator:
    """The WSGI application: moto's dispatcher with one transaction per request.

    It stores everything in the file at `path`, or in a temporary file if `path` is None.
    """

    def __init__(self, path: Path | None, keys: Keys) -> None:
        from moto.core.common_models import BaseModel

        from embedded_aws.athena.api import Athena
        from embedded_aws.emulator import (
            dynamodb,
            glue,
            kinesis,
            listing,
            queues,
            s3,
            serializing,
            services,
            topics,
        )
        from embedded_aws.kms import Kms

        # moto would keep every object ever made, for a view that is not used here.
        BaseModel.__new__ = staticmethod(lambda cls, *_, **__: object.__new__(cls))
        self._lock = lock = threading.Lock()
        self._connection = connection = database.connect(path, failed=lambda: os._exit(DISK_FULL))
        self._changes = changes = Changes()
        dynamodb.install(connection, changes.add)
        kinesis.install(connection, changes.add)
        topics.install()
        self._save_queues = queues.install(connection, lock, changes.add)
        serializing.install()
        services.spare_repeated_work()
        self._end = s3.install(connection)
        listing.install()
        self._moto = services.Dispatcher()
        self._athena, self._kms = Athena(connection, lock, keys), Kms(connection, lock)
        self._glue = glue.Glue(connection)
        self._admission = Admission(keys)
        retention = Retention(time.time())
        tasks = (
            ItemExpiry(connection),
            StreamTrimming(connection, retention),
            MessageExpiry(retention, self._save_queues),
            ObjectExpiry(connection),
            self._athena.executions,
            FreePages(connection),
        )
        self.sweeping = Sweeping(connection, lock, tasks, changes.wake)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request. The answer is sent after its changes are committed."""
        refused = self._admission.refusal(environ)
        if refused is not None:
            _drain(environ)
            return answer_refusal(environ, refused, start_response)
        refused = self._admission.refusal_of_body(environ, _read_body(environ))
        if refused is not None:
            return answer_refusal(environ, refused, start_response)
        environ[LET_IN](self._admission.has_keys(environ))
        leave_out_unreadable(environ)
        if environ["PATH_INFO"].startswith(PRIVATE):
            return self._private(environ, start_response)
        service = environ.get("HTTP_AUTHORIZATION", "")
        if _TOPICS in service:
            answer: Iterable[bytes] = self._moto(environ, start_response)
        elif _ATHENA in service:
            answer = self._athena(environ, start_response)
        elif _KMS in service:
            answer = self._kms(environ, start_response)
        elif _QUEUES in service:
            with self._lock:
                answer = self._queue_request(environ, start_response)
        else:
            with self._lock:
                answer = self._transaction(environ, start_response)
        self._changes.wake()
        return answer

    def _queue_request(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request to SQS with moto, which may release the lock to wait for messages.

        The queues are saved in a transaction afterwards.
        """
        answer: Iterable[bytes] = self._moto(environ, start_response)
        with database.transaction(self._connection):
            self._save_queues(True)
        return answer

    def _transaction(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        statuses: list[str] = []

        def note(status: str, *rest: Any) -> Any:
            statuses.append(status)
            return start_response(status, *rest)

        self._connection.execute("BEGIN")
        kept = False
        is_glue = _GLUE in environ.get("HTTP_AUTHORIZATION", "")
        try:
            if is_glue:
                self._glue.load()
            answer: Iterable[bytes] = self._moto(environ, note)
            if is_glue:
                self._glue.save(environ.get("HTTP_X_AMZ_TARGET", ""))
            kept = statuses[-1] < "4"
            self._end(kept and environ["REQUEST_METHOD"] not in ("GET", "HEAD"))
            self._save_queues(False)
            return answer
        finally:
            self._connection.execute("COMMIT" if kept else "ROLLBACK")

    def _private(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = json.loads(environ["wsgi.input"].read() or b"{}")
        name = environ["PATH_INFO"].removeprefix(PRIVATE)
        if name in _READS:
            with self._lock:
                body = _READS[name](self._connection, **request)
            start_response("200 OK", [("Content-Length", str(len(body)))])
            return [body]
        answer: dict[str, Any] = {}
        if name == "changes":
            answer["count"] = self._changes.wait(request["seen"], request["timeout_seconds"])
        elif name == "trim":
            with self._lock:
                answer["trimmed"] = trim(self._connection, **request)
        elif name == "sweep":
            answer["done"] = self.sweeping.sweep(request["now"])
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]


def _read_body(environ: dict[str, Any]) -> bytes:
    """Read the whole body before a lock is taken, and leave it readable for the application."""
    length = stated_length(environ.get("CONTENT_LENGTH")) or 0
    if not length and environ.get("HTTP_TRANSFER_ENCODING"):
        body = environ["wsgi.input"].read()
        environ["CONTENT_LENGTH"] = str(len(body))
    else:
        body = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    return bytes(body)


def _drain(environ: dict[str, Any]) -> None:
    """Read and discard at most _DRAINED_BYTES of an unwanted body."""
    left = min(stated_length(environ.get("CONTENT_LENGTH")) or 0, _DRAINED_BYTES)
    while left and (piece := environ["wsgi.input"].read(min(left, 65536))):
        left -= len(piece)


def _names(
    connection: sqlite3.Connection, bucket: str, prefix: str, after: str, most: int
) -> bytes:
    return json.dumps(list_names(connection, bucket, prefix, after, most)).encode()


_READS: dict[str, Callable[..., bytes]] = {
    "names": _names,
    "bodies": packed_bodies,
    "partitions": list_partitions,
    "waiting": waiting,
}
"""Operations that read directly from SQLite. The query engine uses all but the last."""


def main(arguments: list[str]) -> int:
    """Serve requests until standard input ends. Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m embedded_aws.server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--database", type=Path)
    parser.add_argument("--sweep-seconds", type=float, default=0.0)
    options = parser.parse_args(arguments)
    from embedded_aws.emulator.connections import Server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        application = Emulator(options.database, keys_from_parent(os.environ))
        server = Server("127.0.0.1", options.port, application, ports=1)
    except (database.DatabaseError, OSError) as error:
        print(f"error {error}", flush=True)
        return 2
    if options.sweep_seconds:
        application.sweeping.start(options.sweep_seconds, time.time)
    print(f"ready {server.port}", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
