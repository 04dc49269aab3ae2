"""Answers as HTTP responses: JSON or CSV, with ETag, Cache-Control and the link to the next page.

The ETag is weak and excludes values that change with time (`as_of`, `delay_seconds`), so that an
answer with the same rows and labels is not sent again.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from chalice.app import Response

from chalicelib.api.parameters import Arguments
from chalicelib.api.problems import Problem

MAX_BODY_BYTES = 5_000_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Spreadsheets interpret a text that begins with one of these as a formula. CSV has a single quote
before such a text, as OWASP's "CSV Injection" recommends; numbers are not texts."""

VOLATILE = ("as_of", "delay_seconds")

JSON = "application/json"
CSV = "text/csv; charset=utf-8"

_encoder = msgspec.json.Encoder(decimal_format="number")


class Caching(msgspec.Struct, frozen=True):
    """How long an answer may be cached, and whether by anyone or only by the client."""

    seconds: int
    private: bool

    @property
    def header(self) -> str:
        """Return the value of the Cache-Control header."""
        return f"{'private' if self.private else 'public'}, max-age={self.seconds}"


class Page(msgspec.Struct, frozen=True):
    """Rows, their name in the envelope, their columns in order, and the next page's token."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Any]
    token: str | None


def document(
    request: Any, payload: Mapping[str, Any], caching: Caching, link: str | None = None
) -> Response:
    """Return a response with a JSON object; 304 without a body if the client already has it."""
    return _conditional(request, payload, _encode(payload), JSON, caching, link)


def table(
    request: Any, payload: Mapping[str, Any], page: Page, arguments: Arguments, caching: Caching
) -> Response:
    """Return a response with a page of rows in a JSON object. If CSV is requested, the response has
    only the rows."""
    payload = {**payload, page.name: page.rows, "next_page_token": page.token}
    link = next_link(arguments, page.token)
    if not arguments.wants_csv():
        return document(request, payload, caching, link)
    payload["format"] = "csv"
    return _conditional(request, payload, to_csv(page.columns, page.rows), CSV, caching, link)


def next_link(arguments: Arguments, token: str | None) -> str | None:
    """Return the value of the Link header; None without a token. The link is relative to the
    request's own address, so that it works behind any gateway."""
    if token is None:
        return None
    query = urlencode({**arguments.given, "page_token": token})
    return f'<?{query}>; rel="next"'


def plain(payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response. It may not be cached unless `headers` say so."""
    return Response(
        _bounded(_encode(payload)),
        status_code=status,
        headers={
            "Content-Type": JSON,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **(headers or {}),
        },
    )


def empty() -> Response:
    """Return a response with status 204 and no body."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response("", status_code=204, headers=headers)


def to_csv(columns: Sequence[str], rows: Sequence[Any]) -> str:
    """Return rows (structs or mappings) as CSV with a header line. Unknown values are empty."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        values = row if isinstance(row, Mapping) else msgspec.structs.asdict(row)
        writer.writerow(_cell(values[name]) for name in columns)
    return lines.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return str(value).lower() if isinstance(value, bool) else value


def _bounded(body: str) -> str:
    if len(body.encode()) > MAX_BODY_BYTES:
        raise Problem(
            413, f"the answer is above {MAX_BODY_BYTES} bytes; ask for a smaller limit or range"
        )
    return body


def _encode(payload: Any) -> str:
    return _encoder.encode(payload).decode()


def _conditional(
    request: Any,
    payload: Mapping[str, Any],
    body: str,
    media_type: str,
    caching: Caching,
    link: str | None,
) -> Response:
    _bounded(body)
    etag = _etag(payload)
    headers = {"ETag": etag, "Cache-Control": caching.header, "X-Content-Type-Options": "nosniff"}
    if _matches(request.headers.get("if-none-match"), etag):
        return Response("", status_code=304, headers=headers)
    headers["Content-Type"] = media_type
    if link:
        headers["Link"] = link
    return Response(body, headers=headers)


def _etag(payload: Mapping[str, Any]) -> str:
    stable = {name: _stable(value) for name, value in payload.items() if name not in VOLATILE}
    return f'W/"{hashlib.sha256(_encoder.encode(stable)).hexdigest()[:32]}"'


def _stable(value: Any) -> Any:
    """Return a list of mappings (quotes) without volatile values; any other value unchanged."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [{name: row[name] for name in row if name not in VOLATILE} for row in value]
    return value


def _matches(header: str | None, etag: str) -> bool:
    """Return whether If-None-Match has the ETag, by weak comparison (RFC 9110, 13.1.2)."""
    if header is None:
        return False
    given = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in given or etag.removeprefix("W/") in given
