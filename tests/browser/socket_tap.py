"""Stands between the page and the socket of pushed prices: cuts, mutes, reorders, adds events."""

from __future__ import annotations

import base64
import copy
import json
import zlib
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, WebSocketRoute

SOCKETS = "ws://127.0.0.1:*/event/realtime"


def unpacked(message: str) -> list[dict[str, Any]]:
    """Return the changes of a message with an event."""
    packed = json.loads(json.loads(message)["event"])
    changes: list[dict[str, Any]] = json.loads(zlib.decompress(base64.b64decode(packed)))["changes"]
    return changes


class SocketTap:
    """Call `install` before the page opens. `mode` is what happens to events: pass, drop, swap
    (every two) or repeat; `requests` are the paths that the page asks of the API."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.mode = "pass"
        self.events = 0
        self.connections = 0
        self.requests: list[str] = []
        self.last: dict[str, str] = {}
        self._held: str | None = None
        self._route: WebSocketRoute | None = None
        page.route_web_socket(SOCKETS, self._connect)
        page.on("request", self._note)

    def cut(self) -> None:
        """Close the connection as a network does."""
        assert self._route is not None
        self._route.close(code=1001)

    def send(self, change: dict[str, Any]) -> None:
        """Send a further change, as the server would."""
        packed = base64.b64encode(zlib.compress(json.dumps({"changes": [change]}).encode()))
        event = json.dumps(packed.decode())
        assert self._route is not None
        self._route.send(json.dumps({"type": "data", "id": "1", "event": event}))

    def change_of(self, symbol: str) -> dict[str, Any]:
        """Return a copy of the last change of a symbol."""
        return copy.deepcopy(next(c for c in unpacked(self.last[symbol]) if c["symbol"] == symbol))

    def _note(self, request: Any) -> None:
        if request.resource_type == "fetch":
            self.requests.append(urlsplit(request.url).path)

    def _connect(self, route: WebSocketRoute) -> None:
        self.connections += 1
        self._route, server = route, route.connect_to_server()
        server.on_message(self._hear)

    def _hear(self, message: str | bytes) -> None:
        assert self._route is not None
        text = str(message)
        if json.loads(text)["type"] != "data":
            self._route.send(text)
            return
        self.events += 1
        self.last |= {change["symbol"]: text for change in unpacked(text)}
        for each in self._given(text):
            self._route.send(each)

    def _given(self, text: str) -> list[str]:
        if self.mode == "drop":
            return []
        if self.mode == "repeat":
            return [text, text]
        if self.mode == "swap":
            held, self._held = self._held, None if self._held else text
            return [text, held] if held else []
        return [text]
