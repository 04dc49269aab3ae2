"""Limits the size of answers in yfinance's HTTP session.

Answers are compressed: 3 MB of gzip unpack to 3 GB, which curl would hold in memory. They are JSON,
and an empty object takes thirty times its bytes once parsed.
"""

from __future__ import annotations

from typing import Any

from curl_cffi.curl import CURL_WRITEFUNC_ERROR
from curl_cffi.requests import RequestsError, Session

from producer.errors import ProducerError

MOST_BYTES = 16 << 20
"""The most bytes of an answer; sixty years of days have 5 MB."""

MOST_VALUES = 500_000
"""The most values of an answer, counted by commas and brackets; sixty years of days have
110,000."""


_OPENERS = (b",", b"{", b"[")


class TooLarge(ProducerError):  # noqa: N818 - named by what it says
    """An answer that unpacks to more than MOST_BYTES or has more than MOST_VALUES."""


class BoundedSession(Session):  # type: ignore[misc]
    """An HTTP session configured like yfinance's own, with answers of limited size."""

    def __init__(self) -> None:
        super().__init__(impersonate="chrome")

    def request(self, *arguments: Any, **named: Any) -> Any:
        """Make a request and return the answer with its body. Raises TooLarge, and RequestsError as
        curl_cffi does."""
        body, values = bytearray(), 0

        def is_bounded() -> bool:
            return len(body) <= MOST_BYTES and values <= MOST_VALUES

        def take(piece: bytes) -> int:
            nonlocal values
            body.extend(piece)
            values += sum(map(piece.count, _OPENERS))
            return len(piece) if is_bounded() else CURL_WRITEFUNC_ERROR

        try:
            answer = super().request(*arguments, **named, content_callback=take)
        except RequestsError as error:
            if is_bounded():
                raise
            most = f"{MOST_BYTES:,} bytes or {MOST_VALUES:,} values"
            raise TooLarge(f"an answer of more than {most}") from error
        answer.content = bytes(body)
        return answer
