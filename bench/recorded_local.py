"""Records a local system's AWS requests: `python -m bench.recorded_local FILE ...`.

It runs `python -m local ...` and writes the requests to FILE in the order in which they began. They
are those of the system's pollers, handlers and API.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from botocore.httpsession import URLLib3Session

from local.cli import main
from rigs.running_system import System, running_system


class Request(msgspec.Struct, frozen=True):
    """One request. It has its time (in monotonic seconds), method, path, relevant headers and
    body."""

    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


KEPT_HEADERS = ("x-amz-target", "content-type", "authorization")


def record(into: list[Request]) -> None:
    """Make every botocore session of this process append its requests to `into`."""
    send = URLLib3Session.send

    def noted(self: Any, request: Any) -> Any:
        into.append(_request(request))
        return send(self, request)

    URLLib3Session.send = noted


def _request(request: Any) -> Request:
    body: Any = request.body or b""
    if hasattr(body, "read"):
        at = body.tell()
        body = body.read()
        request.body.seek(at)
    path = "/" + request.url.split("/", 3)[3] if request.url.count("/") > 2 else "/"
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
        if name.lower() in KEPT_HEADERS
    }
    data = body.encode() if isinstance(body, str) else bytes(body)
    return Request(time.monotonic(), request.method, path, headers, data)


@contextmanager
def recorded_system(*options: str) -> Iterator[tuple[System, list[Request]]]:
    """Run a local system without a producer. Yield the system and a list, which receives the
    system's requests once it has stopped."""
    made: list[Request] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requests"
        program = ("bench.recorded_local", str(file))
        with running_system("--source", "none", "--no-page", *options, program=program) as system:
            yield system, made
        made += msgspec.msgpack.decode(file.read_bytes(), type=list[Request])


if __name__ == "__main__":
    requests: list[Request] = []
    record(requests)
    status = main(sys.argv[2:])
    Path(sys.argv[1]).write_bytes(msgspec.msgpack.encode(requests))
    sys.exit(status)
