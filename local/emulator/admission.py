"""Who may ask the emulator: programs that hold the access key of its start, and no browser.

A page of any site can send requests to a port of this machine, and any user of the machine can
connect to it. So a request must name this port as its host (a rebound DNS name does not), must not
come from a browser, and must be signed with the access key. The key is random and new at each
start; the signature itself is not checked, since nobody can read the key on its way.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec

_NAMES = ("127.0.0.1", "localhost", "[::1]")
_MOTO_API = ("/moto-api", "/latest/")
"""moto's own pages, which reset and change everything, and its instance metadata."""

_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/\s,]+)/")
_HINT = """`eval "$(.venv/bin/python -m local env)"` sets the access key of the running system"""


class Refusal(msgspec.Struct, frozen=True):
    """Why a request is not served: an HTTP status, AWS's name of the error, and a sentence."""

    status: str
    code: str
    reason: str


def refusal(environ: Mapping[str, Any], access_key: str) -> Refusal | None:
    """Why a WSGI request is refused; None where it is served."""
    return _wrong_host(environ) or _of_browser(environ) or _unknown_key(environ, access_key)


def _wrong_host(environ: Mapping[str, Any]) -> Refusal | None:
    port = environ["SERVER_PORT"]
    if environ.get("HTTP_HOST", "").lower() in [f"{name}:{port}" for name in _NAMES]:
        return None
    return Refusal(
        "421 Misdirected Request",
        "InvalidHost",
        f"Host: allowed are 127.0.0.1, localhost and [::1], each with the port {port}",
    )


def _of_browser(environ: Mapping[str, Any]) -> Refusal | None:
    site = environ.get("HTTP_SEC_FETCH_SITE", "none")
    if "HTTP_ORIGIN" not in environ and site == "none":
        return None
    return Refusal("403 Forbidden", "AccessDenied", "web pages may not use the embedded AWS")


def _unknown_key(environ: Mapping[str, Any], access_key: str) -> Refusal | None:
    path = environ["PATH_INFO"]
    if path.startswith(_MOTO_API) or path == "/favicon.ico":
        return Refusal("403 Forbidden", "AccessDenied", f"{path[:40]}: not served here")
    if hmac.compare_digest(_key_of(environ).encode(), access_key.encode()):
        return None
    return Refusal("403 Forbidden", "InvalidClientTokenId", f"unknown access key; {_HINT}")


def _key_of(environ: Mapping[str, Any]) -> str:
    """The access key in the signature, or in that of a presigned address; empty without one."""
    if header := str(environ.get("HTTP_AUTHORIZATION", "")):
        match = _SIGNED.match(header)
        return str(match[1]) if match else ""
    given = parse_qs(str(environ.get("QUERY_STRING", ""))).get("X-Amz-Credential", [""])
    return given[0].partition("/")[0]


def answer(environ: Mapping[str, Any], refused: Refusal, start_response: Any) -> list[bytes]:
    """Tell the client why, in the form in which its protocol has errors. Closes the connection,
    since some of the request's body may be left unread."""
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
