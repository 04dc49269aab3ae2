"""Admits only clients that sign with this emulator's keys, and refuses browsers.

The page of any site can send requests to a port of this machine, and any local user can connect. So
a request must name this port as its host, unlike one that uses a rebound DNS name. It must not come
from a browser, and must have AWS's Signature Version 4. The keys are random and new at each start.
A presigned address is also signed: until it expires, it admits the request that it names.
"""

from __future__ import annotations

import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import msgspec

from embedded_aws.emulator.signatures import (
    LONGEST_LINK_SECONDS,
    Signature,
    declared_payload,
    is_valid,
    signature_of,
    unsigned_headers,
)
from embedded_aws.environment import Keys

SKEW_SECONDS = 15 * 60
"""The seconds by which a client's clock may be wrong, as on AWS. So long a signature is valid."""

LONGEST_UNDECLARED = 17 * 1024 * 1024
"""The most bytes of a body that is read before its signature is checked. DynamoDB accepts 16 MB."""

_NAMES = ("127.0.0.1", "localhost", "[::1]")
_MOTO_API = ("/moto-api", "/latest/")
"""Paths of moto's own operations, which can reset everything, and of its instance metadata."""

LET_IN = "ticktape.let_in"
"""Key of a function in a WSGI environment. The application calls the function once the request is
authenticated and its body read. The argument says whether the sender has the keys."""

_SIGNATURE = "ticktape.signature"
_HINT = """`eval "$(.venv/bin/python -m local env)"` sets the keys of the running system"""


class Refusal(msgspec.Struct, frozen=True):
    """Why a request is refused: an HTTP status, AWS's error name, and a sentence."""

    status: str
    code: str
    reason: str


def _forbidden(code: str, reason: str) -> Refusal:
    return Refusal("403 Forbidden", code, reason)


class Admission:
    """Admits requests that are signed with `keys`. `clock` returns the epoch second."""

    def __init__(self, keys: Keys, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._clock = clock

    def refusal(self, environ: dict[str, Any]) -> Refusal | None:
        """Return why a request is refused before its body is read, or None if it is not."""
        return (
            _not_as_signed(environ)
            or _of_other_host(environ)
            or _of_browser(environ)
            or _of_moto(environ)
            or self._not_signed(environ)
        )

    def refusal_of_body(self, environ: Mapping[str, Any], body: bytes) -> Refusal | None:
        """Return why a request is refused because of its body, or None if the body is accepted."""
        signature: Signature = environ[_SIGNATURE]
        declared = declared_payload(environ, signature)
        if declared is None:
            return self._wrong_signature(environ, signature, sha256(body).hexdigest())
        if declared == "UNSIGNED-PAYLOAD" or declared.startswith("STREAMING-"):
            return None  # the signatures of chunks are not checked
        if hmac.compare_digest(declared.encode(), sha256(body).hexdigest().encode()):
            return None
        reason = "x-amz-content-sha256 is not the SHA-256 of the body"
        return Refusal("400 Bad Request", "XAmzContentSHA256Mismatch", reason)

    def has_keys(self, environ: Mapping[str, Any]) -> bool:
        """Return whether an admitted request comes from a holder of the keys, not of a link."""
        signature: Signature = environ[_SIGNATURE]
        return signature.expires_seconds is None

    def _not_signed(self, environ: dict[str, Any]) -> Refusal | None:
        signature = signature_of(environ)
        if signature is None:
            reason = f"not signed with AWS Signature Version 4; {_HINT}"
            return _forbidden("MissingAuthenticationToken", reason)
        if not hmac.compare_digest(signature.access_key.encode(), self._keys.access_key.encode()):
            return _forbidden("InvalidClientTokenId", f"unknown access key; {_HINT}")
        environ[_SIGNATURE] = signature
        declared = declared_payload(environ, signature)
        return (
            _left_out(environ, signature)
            or _out_of_time(signature, self._clock())
            or _not_a_download(environ, signature)
            or (_unbounded(environ) if declared is None else None)
            or (declared and self._wrong_signature(environ, signature, declared))
            or None
        )

    def _wrong_signature(
        self, environ: Mapping[str, Any], signature: Signature, payload: str
    ) -> Refusal | None:
        if is_valid(signature, environ, payload, self._keys.secret_key):
            return None
        reason = f"the signature is not that of this request with the secret key; {_HINT}"
        return _forbidden("SignatureDoesNotMatch", reason)


def _not_as_signed(environ: Mapping[str, Any]) -> Refusal | None:
    """Refuse a request that botocore could not have signed as it was sent: its method is not in
    upper case, or its target is not a plain path."""
    if not re.fullmatch("[A-Z]+", environ["REQUEST_METHOD"]):
        reason = "the method must be in upper case, such as GET"
        return Refusal("400 Bad Request", "InvalidRequest", reason)
    if not str(environ["RAW_URI"]).startswith("/") or "#" in environ["RAW_URI"]:
        reason = "the request target must be a path that begins with / and has no fragment"
        return Refusal("400 Bad Request", "InvalidURI", reason)
    return None


def wrong_host(host: str, port: object) -> str:
    """Return why a Host header is refused, or an empty text if it names this port."""
    if host.lower() in [f"{name}:{port}" for name in _NAMES]:
        return ""
    return f"Host: allowed are 127.0.0.1, localhost and [::1], each with the port {port}"


def _of_other_host(environ: Mapping[str, Any]) -> Refusal | None:
    wrong = wrong_host(environ.get("HTTP_HOST", ""), environ["SERVER_PORT"])
    return Refusal("421 Misdirected Request", "InvalidHost", wrong) if wrong else None


def _of_browser(environ: Mapping[str, Any]) -> Refusal | None:
    site = environ.get("HTTP_SEC_FETCH_SITE", "none")
    if "HTTP_ORIGIN" not in environ and site == "none":
        return None
    return _forbidden("AccessDenied", "web pages may not use the embedded AWS")


def _of_moto(environ: Mapping[str, Any]) -> Refusal | None:
    path = environ["PATH_INFO"]
    if path.startswith(_MOTO_API) or path == "/favicon.ico":
        return _forbidden("AccessDenied", f"{path[:40]}: not served here")
    return None


def _left_out(environ: Mapping[str, Any], signature: Signature) -> Refusal | None:
    names = [name[5:].replace("_", "-").lower() for name in unsigned_headers(environ, signature)]
    if not names:
        return None
    reason = f"headers that the signature must cover and does not: {', '.join(names)[:200]}"
    return _forbidden("AccessDenied", reason)


def _out_of_time(signature: Signature, now: float) -> Refusal | None:
    try:
        age = now - signature.signed_at
    except ValueError:
        return _forbidden("IncompleteSignature", "X-Amz-Date must look like 20261122T093000Z")
    if signature.expires_seconds is None:
        if abs(age) <= SKEW_SECONDS:
            return None
        reason = "the request was signed more than 15 minutes ago, or in the future"
        return _forbidden("RequestTimeTooSkewed", reason)
    if -SKEW_SECONDS <= age <= min(signature.expires_seconds, LONGEST_LINK_SECONDS):
        return None
    return _forbidden("AccessDenied", "Request has expired")


def _not_a_download(environ: Mapping[str, Any], signature: Signature) -> Refusal | None:
    """Refuse a presigned request that does anything but read an object.

    The body of such a request would be neither signed nor limited. moto also prefers a form in the
    body to the signed query.
    """
    if signature.expires_seconds is None:
        return None
    if signature.service != "s3":
        return _forbidden("AccessDenied", "presigned addresses are of S3 alone")
    has_body = environ.get("CONTENT_LENGTH", "0") not in ("", "0") or _is_chunked(environ)
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or has_body:
        return _forbidden("AccessDenied", "a presigned address serves GET and HEAD without a body")
    return None


def _unbounded(environ: Mapping[str, Any]) -> Refusal | None:
    """Refuse a body that would have to be read completely before its sender is known."""
    if _is_chunked(environ):
        reason = "a chunked body needs the header x-amz-content-sha256"
        return Refusal("411 Length Required", "MissingContentLength", reason)
    length = str(environ.get("CONTENT_LENGTH") or "0")
    if re.fullmatch("[0-9]{1,15}", length) and int(length) <= LONGEST_UNDECLARED:
        return None
    reason = f"the body must have at most {LONGEST_UNDECLARED} bytes"
    return Refusal("413 Content Too Large", "RequestEntityTooLarge", reason)


def _is_chunked(environ: Mapping[str, Any]) -> bool:
    return bool(environ.get("HTTP_TRANSFER_ENCODING"))


def answer(environ: Mapping[str, Any], refused: Refusal, start_response: Any) -> list[bytes]:
    """Answer a refused request with the reason, in the error format of its protocol.

    The connection closes, since part of the request's body may be unread.
    """
    kind, body = _body(environ, refused)
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("x-amzn-ErrorType", refused.code),
        ("Connection", "close"),
    ]
    start_response(refused.status, headers)
    return [body]


def _body(environ: Mapping[str, Any], refused: Refusal) -> tuple[str, bytes]:
    if "HTTP_X_AMZ_TARGET" in environ:
        told = {"__type": refused.code, "message": refused.reason}
        return "application/x-amz-json-1.0", json.dumps(told).encode()
    quoted = refused.reason.replace("&", "&amp;").replace("<", "&lt;")
    error = f"<Error><Code>{refused.code}</Code><Message>{quoted}</Message></Error>"
    is_query = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    text = f"<ErrorResponse>{error}</ErrorResponse>" if is_query else error
    return "application/xml", text.encode()
