"""HTTP requests of channels: over checked connections, one attempt, no redirects, short answers.

`requests` is imported here and nowhere else; `deliver` imports this module when it first sends.
"""

from __future__ import annotations

import json
import logging
import time
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from chalicelib.adapters import outbound
from chalicelib.domain.deliveries import DeliveryError, Lasting, Passing

MOST_ANSWER_BYTES = 65_536
"""Read of an answer; what is behind it is not looked at."""

_PASSING = frozenset({408, 425, 429})
_MALFORMED = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
)
_LONGEST_WAIT_SECONDS = 86_400.0


logging.getLogger("urllib3.connectionpool").addFilter(lambda _: not outbound.is_under_way())
"""It logs paths, which hold tokens."""


class _Connection(HTTPConnection):
    def _new_conn(self) -> Any:
        return outbound.current().connect(self._dns_host, self.port)


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> Any:
        return outbound.current().connect(self._dns_host, self.port)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def send(method: str, url: str, **named: Any) -> requests.Response:
    """One request within the current attempt; `named` as `requests` takes it.

    The attempt's `failure` is what the answer, or its absence, means; a request that succeeds
    leaves it as it was. Raises requests.RequestException.
    """
    attempt = outbound.current()
    if isinstance(attempt.failure, Passing):
        raise requests.ConnectionError("the attempt has failed already")
    before, attempt.failure = attempt.failure, None
    named |= {"allow_redirects": False, "verify": True, "stream": True}
    named["timeout"] = attempt.seconds_left
    named.pop("cert", None)
    with requests.Session() as session:
        session.trust_env = False  # neither a proxy, which would connect for us, nor .netrc
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(max_retries=0))
        try:
            response = session.request(method, url, **named)
            _read(response)
        except Exception as error:  # noqa: BLE001 - its message may hold the address
            raise _no_answer(attempt, error) from None
    attempt.failure = failure_of(response) or before
    return response


def _read(response: requests.Response) -> None:
    """Read the first bytes of the body and ignore the rest."""
    response._content = response.raw.read(MOST_ANSWER_BYTES, decode_content=True)
    response._content_consumed = True  # type: ignore[attr-defined]
    response.close()


def _no_answer(attempt: outbound.Attempt, error: Exception) -> requests.RequestException:
    """Set the attempt's failure. The exception that plugins catch holds neither host nor path."""
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
    """Return what an answer means for a delivery; None if it is a success."""
    status = response.status_code
    if 200 <= status < 300:
        return None
    if status in _PASSING or status >= 500:
        return Passing(f"answered {status}", retry_after(response, time.time()))
    if 300 <= status < 400:
        return Lasting(f"answered {status}; redirects are not followed")
    return Lasting(f"answered {status}")


def retry_after(response: requests.Response, now: float) -> float | None:
    """The seconds that an answer asks to wait: by its header, or by its body as Telegram and
    Discord have it. `now` is the epoch second."""
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
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
