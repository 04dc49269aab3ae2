"""yfinance's HTTP session, whose answers are bounded as they are unpacked.

Answers are compressed: 3 MB of gzip unpack to 3 GB, which curl would hold.
"""

from __future__ import annotations

from typing import Any

from curl_cffi.curl import CURL_WRITEFUNC_ERROR
from curl_cffi.requests import RequestsError, Session

from producer.errors import ProducerError

MOST_BYTES = 32 << 20
"""Of an answer; sixty years of days have 5 MB."""


class TooLarge(ProducerError):  # noqa: N818 - named by what it says
    """An answer that unpacks to more than MOST_BYTES."""


class BoundedSession(Session):  # type: ignore[misc]
    """A session as yfinance makes one for itself."""

    def __init__(self) -> None:
        super().__init__(impersonate="chrome")

    def request(self, *arguments: Any, **named: Any) -> Any:
        """An answer with its body. Raises TooLarge, and RequestsError as curl_cffi does."""
        body = bytearray()

        def take(piece: bytes) -> int:
            body.extend(piece)
            return len(piece) if len(body) <= MOST_BYTES else CURL_WRITEFUNC_ERROR

        try:
            answer = super().request(*arguments, **named, content_callback=take)
        except RequestsError as error:
            if len(body) > MOST_BYTES:
                raise TooLarge(f"an answer of more than {MOST_BYTES:,} bytes") from error
            raise
        answer.content = bytes(body)
        return answer
