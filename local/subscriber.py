"""An HTTP subscriber of the alerts' topic: what it is sent, the terminal shows."""

from __future__ import annotations

import hmac
import json
import logging
import secrets
import urllib.request
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local.http_server import Handler
from untrusted.printable import in_line

logger = logging.getLogger(__name__)

LONGEST = 1024 * 1024
"""Bytes of a request; SNS's messages have at most 256 KB."""

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


def secret_path() -> str:
    """A path that nobody guesses: the topic alone learns it."""
    return f"/{secrets.token_urlsafe(24)}"


def handler(
    show: Callable[[str, str], None], path: str, endpoint: str
) -> type[BaseHTTPRequestHandler]:
    """Shows each message that is posted to `path`, as (the tick's time, subject), once. Confirms
    subscriptions at `endpoint`, AWS's address, and nowhere else."""
    members = {"once": Once(), "show": staticmethod(show), "path_": path, "endpoint": endpoint}
    return type("SubscriberHandler", (_Handler,), members)


class _Handler(Handler):
    once: Once
    show: Callable[[str, str], None]
    path_: str
    endpoint: str

    def do_POST(self) -> None:  # noqa: N802  # the name that http.server calls
        """What SNS posts."""
        length = self.headers.get("Content-Length") or ""
        if not hmac.compare_digest(self.path.encode(), self.path_.encode()):
            self.send_error(HTTPStatus.NOT_FOUND)
        elif not (length.isascii() and length.isdigit() and len(length) < 10):
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
        elif int(length) > LONGEST:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            body = self.receive(int(length))
            if body is not None:
                self._take(body)

    def _take(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            logger.warning("the topic's subscriber was sent something that is no JSON")
        elif message.get("Type") == "SubscriptionConfirmation":
            _confirm(str(message.get("SubscribeURL", "")), self.endpoint)
        elif self.once.is_new(str(message.get("MessageId", ""))):
            type(self).show(_timestamp(message), in_line(str(message.get("Subject", ""))))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are not logged."""
        logger.debug(format, *args)


def _confirm(url: str, endpoint: str) -> None:
    try:
        given, ours = urlsplit(url), urlsplit(endpoint)
        asked = parse_qs(given.query).get("Action")
    except ValueError:
        asked = None
    if asked != ["ConfirmSubscription"] or (given.scheme, given.netloc) != (
        ours.scheme,
        ours.netloc,
    ):
        logger.warning("a subscription was not confirmed: its address is not that of this AWS")
        return
    urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  # the endpoint's  # nosec B310


def _timestamp(message: dict[str, Any]) -> str:
    """The tick's time, from the JSON that HTTP subscribers get; empty where it is not that."""
    try:
        alert = json.loads(message.get("Message", ""))
    except (ValueError, TypeError, RecursionError):
        return ""
    return in_line(str(alert.get("timestamp", ""))) if isinstance(alert, dict) else ""
