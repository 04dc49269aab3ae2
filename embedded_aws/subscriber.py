"""An HTTP subscriber of an SNS topic, which passes each message on once."""

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

from embedded_aws.http_server import Handler

logger = logging.getLogger(__name__)

LONGEST = 1024 * 1024
"""The largest request in bytes. SNS messages have at most 256 KB."""

REMEMBERED = 10_000
"""The number of message ids that are remembered, to pass each message on once."""


class Once:
    """Detects repeated ids among the most recent ids."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._remembered = remembered

    def is_new(self, identifier: str) -> bool:
        """Return whether the id was not among the recent ones, and remember it."""
        if identifier in self._seen:
            return False
        self._seen[identifier] = None
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        return True


def secret_path() -> str:
    """Return a path that cannot be guessed, so that only the topic knows it."""
    return f"/{secrets.token_urlsafe(24)}"


def handler(
    take: Callable[[dict[str, Any]], None], path: str, endpoint: str
) -> type[BaseHTTPRequestHandler]:
    """Return a handler that calls `take` once with each notification that SNS posts to `path`. It
    confirms subscriptions only at `endpoint`, AWS's address."""
    members = {"once": Once(), "take": staticmethod(take), "path_": path, "endpoint": endpoint}
    return type("SubscriberHandler", (_Handler,), members)


class _Handler(Handler):
    once: Once
    take: Callable[[dict[str, Any]], None]
    path_: str
    endpoint: str

    def do_POST(self) -> None:  # noqa: N802  # the name that http.server calls
        """Handle a post from SNS."""
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
                self._read(body)

    def _read(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            logger.warning("the topic's subscriber received a message that is not a JSON object")
        elif message.get("Type") == "SubscriptionConfirmation":
            _confirm(str(message.get("SubscribeURL", "")), self.endpoint)
        elif self.once.is_new(str(message.get("MessageId", ""))):
            type(self).take(message)


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
        logger.warning("a subscription was not confirmed: its URL is not one of this AWS")
        return
    urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  # the endpoint's  # nosec B310
