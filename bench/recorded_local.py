"""`python -m bench.recorded_local FILE ...`: runs `python -m local ...` and writes its AWS requests
to FILE.

The requests are those of its pollers, handlers and API, in the order in which they began.
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
    """One request: when it was made (in monotonic seconds), its method, path, relevant headers and
    body."""

    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


KEPT_HEADERS = ("x-amz-target", "content-type", "authorization")


def record(into: list[Request]) -> None:
    """Make every botocore session of this process record its requests."""
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
    """Run a system without a producer. Once it has stopped, the list has its requests."""
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
