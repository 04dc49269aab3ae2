"""Encodes frames of Yahoo's stream by hand, and runs a server that plays a script of connections.

The frames follow the protobuf wire format, with the field numbers of yfinance's pricing.proto.
"""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from tests.patience import PATIENCE_SECONDS

_TEXTS = {"id": 1, "currency": 4, "exchange": 5}
_FLOATS = {
    "price": 2, "change_percent": 8, "day_high": 10, "day_low": 11, "change": 12,
    "open_price": 15, "previous_close": 16,
}  # fmt: skip
_SIGNED = {"time": 3, "day_volume": 9}
_UNSIGNED = {"market_hours": 7}

Play = Callable[[ServerConnection], None]


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _field(name: str, value: object) -> bytes:
    if name in _TEXTS:
        text = str(value).encode()
        return _varint(_TEXTS[name] << 3 | 2) + _varint(len(text)) + text
    assert isinstance(value, int | float)
    if name in _FLOATS:
        return _varint(_FLOATS[name] << 3 | 5) + struct.pack("<f", value)
    if name in _SIGNED:
        return _varint(_SIGNED[name] << 3) + _varint(int(value) << 1)
    return _varint(_UNSIGNED[name] << 3) + _varint(int(value))


def pricing(**fields: object) -> str:
    """Return a frame. Fields that are not given are missing, as zeros are in protobuf 3."""
    message = b"".join(_field(name, value) for name, value in fields.items())
    return json.dumps({"type": "pricing", "message": base64.b64encode(message).decode()})


class Script:
    """The plays of successive connections. The last play is repeated."""

    def __init__(self, *plays: Play) -> None:
        self._plays = plays
        self.subscriptions: list[list[object]] = []
        self._lock = threading.Lock()

    def connected(self, connection: ServerConnection) -> None:
        with self._lock:
            mine: list[object] = []
            number = len(self.subscriptions)
            self.subscriptions.append(mine)
        mine.append(json.loads(connection.recv()))
        threading.Thread(target=_listen, args=(connection, mine), daemon=True).start()
        self._plays[min(number, len(self._plays) - 1)](connection)


def _listen(connection: ServerConnection, heard: list[object]) -> None:
    try:
        heard.extend(json.loads(message) for message in connection)
    except ConnectionClosed:
        return


@contextmanager
def streaming(*plays: Play, refusing: Sequence[int] = ()) -> Iterator[tuple[str, Script]]:
    """Run a server that plays the script. Yield its address and the script.

    The first connections are refused with the HTTP statuses in `refusing`.
    """
    script = Script(*plays)
    statuses = iter(refusing)

    def refuse(connection: ServerConnection, _request: Request) -> Response | None:
        status = next(statuses, None)
        return None if status is None else connection.respond(status, "not now")

    with serve(script.connected, "127.0.0.1", 0, process_request=refuse) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}", script
        server.shutdown()
        thread.join(PATIENCE_SECONDS)


def sends(frames: Sequence[str | bytes], then: Play | None = None) -> Play:
    """Return a play that sends frames and then plays `then`, or stays open and silent."""

    def play(connection: ServerConnection) -> None:
        for frame in frames:
            connection.send(frame)
        (then or silence)(connection)

    return play


def silence(connection: ServerConnection) -> None:
    """Send nothing until the client leaves."""
    while connection.protocol.state.name == "OPEN":
        time.sleep(0.05)


def close(connection: ServerConnection) -> None:
    """Close the connection cleanly."""
    connection.close()


def abort(connection: ServerConnection) -> None:
    """Break the connection without a closing handshake."""
    connection.socket.shutdown(socket.SHUT_RDWR)
