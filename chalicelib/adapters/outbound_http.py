"""Sends HTTP requests for channels: over checked connections, without redirects or long answers.

No other module imports `requests`; `deliver` imports this module when it first sends. The sessions
of `requests` are not used, since they read the whole body of a redirect and parse cookies in
quadratic time.
"""

from __future__ import annotations

import json
import logging
import ssl
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import cache
from http.client import HTTPResponse
from typing import Any

import requests
from certifi import where
from requests.adapters import HTTPAdapter
from requests.utils import default_headers
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from chalicelib.adapters import outbound
from chalicelib.domain.deliveries import DeliveryError, Lasting, Passing

MOST_ANSWER_BYTES = 65_536
"""The most bytes read of an answer's body; the rest is ignored."""

MOST_HEADER_BYTES = 65_536
"""The most bytes read of an answer's header, and of the lines between the chunks of its body."""

MOST_REQUESTS = 50
"""The most requests of one attempt: one address could name very many rooms or devices."""

_SENT = ("params", "data", "json", "files", "auth")
"""The arguments of `requests` that describe the request. Arguments that say how to send it are
fixed."""

_PASSING = frozenset({408, 425, 429})
_MALFORMED = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
)
_LONGEST_WAIT_SECONDS = 86_400.0


def _silence() -> None:
    """Keep HTTP libraries from logging during an attempt, since they log paths, which hold tokens.

    A logger's filter does not apply to its child loggers, so each logger gets the filter.
    """
    names = ("urllib3", "requests", "charset_normalizer", "chardet")
    for name in (*names, *logging.Logger.manager.loggerDict):
        if name.partition(".")[0] in names:
            logging.getLogger(name).addFilter(lambda _: not outbound.is_under_way())


_silence()


class _Answer(HTTPResponse):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fp: Any = outbound.BoundedLines(self.fp, MOST_HEADER_BYTES)


class _Connection(HTTPConnection):
    response_class = _Answer

    def _new_conn(self) -> Any:
        return outbound.current().connect(self._dns_host, self.port)


class _SecureConnection(HTTPSConnection):
    response_class = _Answer

    def _new_conn(self) -> Any:
        return outbound.current().connect(self._dns_host, self.port)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


@cache
def _tls() -> ssl.SSLContext:
    """Return the TLS context that all connections share. Reading the certificates of the
    authorities takes 20 ms."""
    return ssl.create_default_context(cafile=where())


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, ssl_context=_tls(), **named)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def cert_verify(self, conn: Any, *_: Any) -> None:
        """See HTTPAdapter.cert_verify. The TLS context already has the certificates."""
        conn.cert_reqs = "CERT_REQUIRED"

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """See HTTPAdapter.build_response. No cookie is parsed without the original response."""
        resp._original_response = None
        return super().build_response(req, resp)


def send(method: str, url: str, **named: Any) -> requests.Response:
    """Send one request within the current attempt and return the answer. `named` has further
    arguments of `requests.request`.

    If the request fails, sets the attempt's `failure`; a success does not change it. Raises
    requests.RequestException if no answer comes, after MOST_REQUESTS, and if the attempt already
    has a failure that may pass.
    """
    attempt = outbound.current()
    if isinstance(attempt.failure, Passing):
        raise requests.ConnectionError("the attempt has failed already")
    attempt.requests += 1
    if attempt.requests > MOST_REQUESTS:
        attempt.failure = Lasting(f"the service asks for more than {MOST_REQUESTS} requests")
        raise requests.ConnectionError(attempt.failure.reason)
    before, attempt.failure = attempt.failure, None
    try:
        response = _answered(_prepared(method, url, named), attempt.seconds_left)
    except Exception as error:  # noqa: BLE001 - its message may hold the address
        raise _no_answer(attempt, error) from None
    attempt.failure = failure_of(response) or before
    return response


def post(
    url: str,
    body: bytes,
    headers: dict[str, str],
    allows: outbound.Policy,
    seconds: float,
    returned: tuple[int, ...] = (),
) -> int:
    """Post a message in an attempt of its own; return the answer's status. Raises the attempt's
    failure, unless the status is one of `returned`."""
    status = 0
    with outbound.Attempt(allows, seconds) as attempt:
        with suppress(requests.RequestException):  # attempt.failure says why
            status = send("POST", url, data=body, headers=headers).status_code
        if attempt.failure is not None and status not in returned:
            raise attempt.failure
    return status


def _prepared(method: str, url: str, named: dict[str, Any]) -> requests.PreparedRequest:
    """Return the prepared request. Raises one of _MALFORMED if it is invalid."""
    headers = default_headers()
    headers.update(named.get("headers") or {})
    given = {name: named[name] for name in _SENT if name in named}
    made = requests.Request(method, url, headers=headers, **given).prepare()
    if not str(made.url).lower().startswith(("http://", "https://")):
        raise requests.exceptions.InvalidSchema
    return made


def _answered(request: requests.PreparedRequest, seconds: float) -> requests.Response:
    """Send a request without a proxy. Return the answer, with at most MOST_ANSWER_BYTES of its
    body."""
    adapter = _Adapter(max_retries=0)
    try:
        response = adapter.send(request, stream=True, timeout=seconds, verify=True, proxies={})
        try:
            response._content = response.raw.read(MOST_ANSWER_BYTES, decode_content=True)
            response._content_consumed = True  # type: ignore[attr-defined]
        finally:
            response.raw.close()
    finally:
        adapter.close()
    return response


def _no_answer(attempt: outbound.Attempt, error: Exception) -> requests.RequestException:
    """Set the attempt's failure, and return the exception that the plugin gets. Neither names the
    host or the path."""
    if attempt.is_over or isinstance(error, requests.Timeout):
        attempt.failure = attempt.timed_out()
    elif isinstance(error, _MALFORMED):
        attempt.failure = Lasting("the address cannot be asked")
    elif isinstance(error, requests.exceptions.SSLError):
        attempt.failure = Passing("the host's certificate is not valid")
    elif attempt.failure is None:
        attempt.failure = Passing("the connection ended without an answer")
    return requests.ConnectionError(attempt.failure.reason)


def failure_of(response: requests.Response) -> DeliveryError | None:
    """Return the delivery's failure that an answer stands for; None if the answer is a success."""
    status = response.status_code
    if 200 <= status < 300:
        return None
    if status in _PASSING or status >= 500:
        return Passing(f"answered {status}", retry_after(response, time.time()))
    if 300 <= status < 400:
        return Lasting(f"answered {status}; redirects are not followed")
    return Lasting(f"answered {status}")


def retry_after(response: requests.Response, now: float) -> float | None:
    """Return how many seconds an answer asks to wait; None if it asks for no wait. The header has
    the wait, or else the body, as with Telegram and Discord. `now` is the epoch second."""
    seconds = _header_seconds(response.headers.get("Retry-After", ""), now)
    if seconds is None:
        seconds = _body_seconds(response.content)
    if seconds is None or not 0 <= seconds < float("inf"):
        return None
    return min(seconds, _LONGEST_WAIT_SECONDS)


def _header_seconds(text: str, now: float) -> float | None:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None


def _body_seconds(body: bytes) -> float | None:
    try:
        told = json.loads(body)
        return float(told.get("parameters", told)["retry_after"])
    except (ValueError, OverflowError, TypeError, KeyError, AttributeError, RecursionError):
        return None
