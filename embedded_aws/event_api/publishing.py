"""The HTTP endpoint: `POST /event` publishes up to five events to a channel.

https://docs.aws.amazon.com/appsync/latest/eventapi/publish-http.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from embedded_aws.emulator.admission import LET_IN, Admission
from embedded_aws.emulator.admission import answer as answer_refusal
from embedded_aws.event_api.channels import segments_of
from embedded_aws.event_api.limits import MOST_EVENT_BYTES, MOST_EVENTS

_MOST_BYTES = MOST_EVENTS * MOST_EVENT_BYTES * 2
"""The most bytes of a body. Its events are JSON within JSON, with a backslash before each quote."""

Send = Callable[[tuple[str, ...], Sequence[str]], None]


class RefusedError(Exception):
    """A request is refused. Carries an HTTP status, AppSync's name of the error, and a sentence."""

    def __init__(self, status: str, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message


class Publishing:
    """The WSGI application of the HTTP endpoint. `admission` checks the signatures of requests.

    `send` takes a channel's segments and its events. `namespaces` are the allowed first segments.
    """

    def __init__(self, admission: Admission, namespaces: Iterable[str], send: Send) -> None:
        self._admission = admission
        self._namespaces = frozenset(namespaces)
        self._send = send

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request to publish events."""
        refused = self._admission.refusal(environ)
        if refused is not None:
            return answer_refusal(environ, refused, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(min(length, _MOST_BYTES + 1))
        if length <= _MOST_BYTES:
            refused = self._admission.refusal_of_body(environ, body)
            if refused is not None:
                return answer_refusal(environ, refused, start_response)
        environ[LET_IN](True)
        try:
            return _answered(start_response, "200 OK", self._publish(environ, body))
        except RefusedError as error:
            told = {"errorType": error.kind, "message": error.message}
            return _answered(start_response, error.status, {"errors": [told]}, error.kind)

    def _publish(self, environ: dict[str, Any], body: bytes) -> dict[str, Any]:
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) != ("POST", "/event"):
            raise RefusedError("404 Not Found", "NotFoundException", "only POST /event is served")
        if len(body) > _MOST_BYTES:
            raise _bad("the body is too large")
        channel, events = _request_of(body)
        segments = segments_of(channel)
        if not segments:
            raise _bad("Invalid Channel Format")
        if segments[0] not in self._namespaces:
            raise RefusedError("401 Unauthorized", "UnauthorizedException", "no such namespace")
        self._send(segments, events)
        made = [{"identifier": str(uuid.uuid4()), "index": n} for n in range(len(events))]
        return {"successful": made, "failed": []}


def _request_of(body: bytes) -> tuple[Any, list[str]]:
    """Return the channel and the events in a request's body. Raises RefusedError."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _bad("the body is not JSON", "SerializationException") from error
    if not isinstance(given, dict):
        raise _bad("Request body must be a JSON object")
    channel, events = given.get("channel"), given.get("events")
    if not isinstance(events, list):
        raise _bad("Missing events")
    if not 1 <= len(events) <= MOST_EVENTS:
        raise _bad(f"a request has 1 to {MOST_EVENTS} events")
    for event in events:
        _check(event)
    return channel, events


def _check(event: object) -> None:
    if not isinstance(event, str):
        raise _bad("an event has to be a string that contains JSON")
    if len(event.encode(errors="surrogatepass")) > MOST_EVENT_BYTES:
        raise _bad(f"an event is larger than {MOST_EVENT_BYTES // 1024} KB")
    try:
        json.loads(event)
    except (ValueError, RecursionError) as error:
        raise _bad("an event has to be a string that contains JSON") from error


def _bad(message: str, kind: str = "BadRequestException") -> RefusedError:
    return RefusedError("400 Bad Request", kind, message)


def _answered(
    start_response: Any, status: str, document: dict[str, Any], kind: str = ""
) -> list[bytes]:
    body = json.dumps(document).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, [*headers, *([("x-amzn-ErrorType", kind)] if kind else [])])
    return [body]
