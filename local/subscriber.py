"""An HTTP subscriber of the alerts' topic: what it is sent, the terminal shows."""

from __future__ import annotations

import json
import logging
import urllib.request
from collections import OrderedDict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

logger = logging.getLogger(__name__)

REMEMBERED = 10_000
"""Message ids kept to print each once."""


class Once:
    """Whether an id is seen for the first time, among the last so many."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._remembered = remembered

    def is_new(self, identifier: str) -> bool:
        """True the first time."""
        if identifier in self._seen:
            return False
        self._seen[identifier] = None
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        return True


def handler(show: Callable[[str, str], None]) -> type[BaseHTTPRequestHandler]:
    """Shows each message, as (the tick's time, subject), once. Confirms subscriptions."""
    members = {"once": Once(), "show": staticmethod(show)}
    return type("SubscriberHandler", (_Handler,), members)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    once: Once
    show: Callable[[str, str], None]

    def do_POST(self) -> None:  # the base class's name
        """What SNS posts."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        try:
            message = json.loads(body)
        except ValueError:
            logger.warning("the topic's subscriber was sent something that is no JSON")
            return
        if message.get("Type") == "SubscriptionConfirmation":
            _confirm(str(message.get("SubscribeURL", "")))
        elif self.once.is_new(str(message.get("MessageId", ""))):
            type(self).show(_timestamp(message), str(message.get("Subject", "")))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are not logged."""
        logger.debug(format, *args)


def _confirm(url: str) -> None:
    if url.startswith(("http://127.0.0.1:", "http://localhost:", "https://")):
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  # checked above  # nosec B310


def _timestamp(message: dict[str, Any]) -> str:
    """The tick's time, from the JSON that HTTP subscribers get; empty where it is not that."""
    try:
        alert = json.loads(message.get("Message", ""))
    except ValueError:
        return ""
    return str(alert.get("timestamp", "")) if isinstance(alert, dict) else ""
