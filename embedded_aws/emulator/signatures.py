"""Checks AWS Signature Version 4, in an Authorization header or in a presigned address.

botocore's signer recomputes the signature from the path and query as they were sent. A request is
refused if it was sent in another form than it was signed.
"""

from __future__ import annotations

import functools
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from botocore.auth import UNSIGNED_PAYLOAD, S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

LONGEST_LINK_SECONDS = 7 * 86400
_TIME = "%Y%m%dT%H%M%SZ"
_PATTERN = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})"
)
_LINK = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")


class Signature(msgspec.Struct, frozen=True):
    """A request's signature. `headers` are the names of the signed headers in lower case.
    `expires_seconds` belongs to a presigned address and is None for a header."""

    access_key: str
    day: str
    region: str
    service: str
    headers: tuple[str, ...]
    timestamp: str
    value: str
    expires_seconds: int | None = None

    @property
    def signed_at(self) -> float:
        """Return when the request was signed in epoch seconds. Raises ValueError for no time."""
        return datetime.strptime(self.timestamp, _TIME).replace(tzinfo=UTC).timestamp()


def signature_of(environ: Mapping[str, Any]) -> Signature | None:
    """Return a WSGI request's signature, or None unless it has exactly one complete signature."""
    header = str(environ.get("HTTP_AUTHORIZATION", ""))
    link = _link_parameters(str(environ.get("QUERY_STRING", "")))
    if bool(header) == bool(link):
        return None
    return _of_link(link) if link else _of_header(header, str(environ.get("HTTP_X_AMZ_DATE", "")))


def _of_header(header: str, timestamp: str) -> Signature | None:
    match = _PATTERN.fullmatch(header.strip())
    return _made(match[1], match[2], timestamp, match[3], None) if match else None


def _of_link(link: Mapping[str, str]) -> Signature | None:
    algorithm, credential, date, expires, headers, value = (link.get(name, "") for name in _LINK)
    if algorithm != "AWS4-HMAC-SHA256" or not re.fullmatch("[0-9]{1,6}", expires):
        return None
    return _made(credential, headers, date, value, int(expires))


def _link_parameters(query: str) -> dict[str, str]:
    """Return the parameters `X-Amz-NAME` of a presigned address by NAME."""
    if "X-Amz-" not in query:
        return {}
    found = parse_qsl(query, keep_blank_values=True)
    return {name[6:]: value for name, value in found if name.startswith("X-Amz-")}


def _made(
    credential: str, headers: str, timestamp: str, value: str, expires: int | None
) -> Signature | None:
    match credential.split("/"):
        case [access_key, day, region, service, "aws4_request"] if timestamp[:8] == day:
            names = tuple(headers.split(";"))
            return Signature(access_key, day, region, service, names, timestamp, value, expires)
    return None


def is_valid(
    signature: Signature, environ: Mapping[str, Any], payload: str, secret_key: str
) -> bool:
    """Return whether the secret key made the signature of this request.

    `payload` stands for the body: its SHA-256 in hex, or AWS's keyword for an unsigned body.
    """
    signer = (_S3Signer if signature.service == "s3" else _Signer)(signature, secret_key)
    request = AWSRequest(
        method=environ["REQUEST_METHOD"],
        url=_signed_address(environ, signature),
        headers={name: _value(environ, name) for name in signature.headers},
    )
    request.context.update(timestamp=signature.timestamp, payload=payload)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    expected: str = signer.signature(text, request)
    return hmac.compare_digest(expected.encode(), signature.value.encode())


def declared_payload(environ: Mapping[str, Any], signature: Signature) -> str | None:
    """Return the text that stands for the body in the signature, if the request declares it. Return
    None if the body has to be hashed."""
    declared: str | None = environ.get("HTTP_X_AMZ_CONTENT_SHA256")
    if declared is None and signature.expires_seconds is not None:
        return str(UNSIGNED_PAYLOAD)
    return declared


def unsigned_headers(environ: Mapping[str, Any], signature: Signature) -> list[str]:
    """Return the headers that AWS requires to be signed and that the signature leaves out."""
    signed = {_variable(name) for name in signature.headers}
    demanded = [name for name in environ if name.startswith("HTTP_X_AMZ_")]
    return sorted({"HTTP_HOST", *demanded} - signed)


@functools.lru_cache(64)
def _derived(key: bytes, text: str) -> bytes:
    """Return a key derived from another one. Clients derive the same for a day."""
    found: bytes = SigV4Auth._sign(None, key, text)
    return found


class _Signer(SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """A signer for the time and the headers that the request itself names."""

    def __init__(self, signature: Signature, secret_key: str) -> None:
        keys = Credentials(signature.access_key, secret_key)
        super().__init__(keys, signature.service, signature.region)

    def headers_to_sign(self, request: Any) -> Any:
        return request.headers

    def _sign(self, key: bytes, msg: str, hex: bool = False) -> Any:  # noqa: A002  # botocore's
        """Sign the request (`hex`), or derive one of the four keys that this takes."""
        return super()._sign(key, msg, hex) if hex else _derived(key, msg)

    def payload(self, request: Any) -> str:
        return str(request.context["payload"])


class _S3Signer(_Signer, S3SigV4Auth):  # type: ignore[misc]
    """A signer for S3, whose paths are signed as they are sent."""


def _signed_address(environ: Mapping[str, Any], signature: Signature) -> str:
    """Return the address as it was sent, without the signature parameter."""
    path, _, query = str(environ["RAW_URI"]).partition("?")
    parts = query.split("&")
    if signature.expires_seconds is not None:
        parts = [part for part in parts if not part.startswith("X-Amz-Signature=")]
    return f"http://{environ.get('HTTP_HOST', '')}{path}?{'&'.join(parts)}"


def _value(environ: Mapping[str, Any], name: str) -> str:
    """Return the value of a header, decoded as UTF-8 if possible."""
    value = str(environ.get(_variable(name), ""))
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _variable(name: str) -> str:
    plain = name.upper().replace("-", "_")
    return plain if plain in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{plain}"
