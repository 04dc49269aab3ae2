"""JSON bodies of requests: read exactly, numbers as decimals, and nothing but an object."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.api.problems import Problem

MAX_BYTES = 64_000

_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def read_object(request: Any) -> dict[str, Any]:
    """The JSON object that a Chalice request carries."""
    raw = request.raw_body
    if len(raw) > MAX_BYTES:
        raise Problem(413, f"the body is above {MAX_BYTES} bytes")
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise _no_object() from error


def refuse_body(request: Any) -> None:
    """For routes that take none."""
    if request.raw_body:
        raise Problem(
            400,
            "this route takes no body",
            kind="invalid-field",
            field="body",
            value="",
            allowed="no body",
        )


def _no_object() -> Problem:
    return Problem(
        400,
        "the body is no JSON object",
        kind="invalid-field",
        field="body",
        value="",
        allowed="a JSON object",
    )
