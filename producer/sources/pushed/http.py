"""Asks a service's REST API. Answers have a maximum size, redirects are not followed, and the class
of an error shows what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from producer.errors import ProducerError

if TYPE_CHECKING:
    import requests

MOST_BYTES = 4 << 20
"""The most bytes of an answer; 10,000 bars of Alpaca's have 1.1 MB."""

MOST_VALUES = 200_000
"""The most values of an answer, counted by commas and brackets, since rows take many times their
bytes once parsed; 10,000 bars of Alpaca's have 90,000."""

TIMEOUT_SECONDS = 15.0
_THROTTLED = (418, 429)
_KEYS = (401, 403)
_PIECE_BYTES = 1 << 16
_OPENERS = (b",", b"{", b"[")


class Throttled(ProducerError):  # noqa: N818 - a state that passes
    """The service asks for fewer requests."""


class KeysRefused(ProducerError):  # noqa: N818 - named by what it says
    """The service refuses the keys, or the keys do not permit the request."""


class UnknownSymbol(ProducerError):  # noqa: N818 - named by what it says
    """The service does not know the symbol."""


class Unusable(ProducerError):  # noqa: N818 - named by what it says
    """An answer that cannot be used: it has an unexpected status or form, or is too long."""


class Http:
    """Requests to one service over connections that are kept open.

    `headers` may hold keys, which ~/.netrc does not replace. Unencrypted requests bypass the
    environment's proxy. `served_at` is when the last answer was given, by the service's clock; None
    if the answer did not say.
    """

    def __init__(
        self,
        service: str,
        base: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._service = service
        self._base = base.rstrip("/")
        self._headers = dict(headers or {})
        self.served_at: datetime | None = None

    @cached_property
    def _session(self) -> requests.Session:
        from urllib.parse import urlsplit

        import requests

        session = requests.Session()
        session.trust_env = urlsplit(self._base).scheme == "https"
        session.auth = lambda request: request  # without an `auth`, requests reads ~/.netrc
        return session

    def get(self, path: str, parameters: Mapping[str, str]) -> bytes:
        """Return the body of an answer. Raises the errors of this module, and OSError if the
        network fails."""
        return self._body("GET", path, params=dict(parameters))

    def post(self, path: str, given: Mapping[str, Any]) -> bytes:
        """Send JSON and return the body of the answer. Raises the errors of `get`."""
        return self._body("POST", path, json=dict(given))

    def _body(self, method: str, path: str, **given: Any) -> bytes:
        import requests

        try:
            with self._session.request(
                method,
                self._base + path,
                **given,
                headers=self._headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = _bounded(answer)
                self.served_at = _date_of(answer)
        except requests.exceptions.ContentDecodingError as error:
            raise Unusable(f"{self._service} gives an unreadable answer") from error
        self._judge(answer.status_code, body)
        return body

    def _judge(self, status: int, body: bytes) -> None:
        told = f"{self._service} answers {status}"
        if status in _THROTTLED:
            raise Throttled(f"{told}: too many requests")
        if status in _KEYS:
            raise KeysRefused(f"{told}: its keys are refused or do not cover this")
        if status == 404 or (status == 400 and b"-1121" in body):
            raise UnknownSymbol(f"{told}: it knows no such symbol")
        if status != 200:
            raise Unusable(told)


def _date_of(answer: requests.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _bounded(answer: requests.Response) -> bytes:
    body, values = bytearray(), 0
    for piece in answer.iter_content(_PIECE_BYTES):
        body += piece
        values += sum(map(piece.count, _OPENERS))
        if len(body) > MOST_BYTES:
            raise Unusable(f"an answer of more than {MOST_BYTES:,} bytes")
        if values > MOST_VALUES:
            raise Unusable(f"an answer of more than {MOST_VALUES:,} values")
    return bytes(body)
