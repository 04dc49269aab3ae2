"""The indicators' parameters: `sma=5,20&rsi=14&macd=12,26,9&bbands=20,2&vwap=session`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import get_args

from chalicelib.api.parameters import PRICES, Arguments
from chalicelib.api.problems import Problem, invalid_parameter
from chalicelib.services.market_data.studies import Kind, Study

KINDS: tuple[Kind, ...] = get_args(Kind)
INDICATORS = (*KINDS, *PRICES)

MAX_WINDOW = 400
MAX_OF_A_KIND = 10
MAX_DEVIATIONS = 10

ALLOWED: dict[Kind, str] = {
    "sma": f"up to {MAX_OF_A_KIND} windows from 1 to {MAX_WINDOW}, such as 5,20",
    "ema": f"up to {MAX_OF_A_KIND} windows from 1 to {MAX_WINDOW}, such as 12,26",
    "rsi": f"up to {MAX_OF_A_KIND} windows from 1 to {MAX_WINDOW}, such as 14",
    "atr": f"up to {MAX_OF_A_KIND} windows from 1 to {MAX_WINDOW}, such as 14",
    "macd": f"fast,slow,signal from 1 to {MAX_WINDOW}, fast below slow, such as 12,26,9",
    "bbands": f"window,deviations: 1 to {MAX_WINDOW}, above 0 to {MAX_DEVIATIONS}, such as 20,2",
    "vwap": "session",
}

_WHOLE = re.compile(r"\d{1,4}", re.ASCII)
_FRACTION = re.compile(r"\d{1,2}(\.\d{1,4})?", re.ASCII)


def studies_of(arguments: Arguments) -> list[Study]:
    """Return the requested indicators, at least one, in the order of KINDS."""
    studies: list[Study] = []
    for kind in KINDS:
        given = arguments.text(kind)
        if given is not None:
            studies += _parse(kind, given)
    if not studies:
        raise Problem(
            400,
            f"no indicator is asked for; give at least one of {', '.join(KINDS)}",
            kind="invalid-parameter",
            parameter="sma",
            value="",
            allowed=ALLOWED["sma"],
        )
    if arguments.text("interval") == "tick" and any(study.needs_bars for study in studies):
        raise invalid_parameter("interval", "tick", "a bar: atr and vwap need high, low and volume")
    return studies


def _parse(kind: Kind, given: str) -> list[Study]:
    parts = given.split(",")
    studies = {
        "macd": _macd,
        "bbands": _bands,
        "vwap": _vwap,
    }.get(kind, lambda texts: _windows(kind, texts))(parts)
    if not studies:
        raise invalid_parameter(kind, given, ALLOWED[kind])
    return studies


def _windows(kind: Kind, parts: Sequence[str]) -> list[Study]:
    numbers = [_window(part) for part in parts]
    if len(parts) > MAX_OF_A_KIND or None in numbers:
        return []
    return [Study(kind, (number,)) for number in dict.fromkeys(numbers) if number]


def _macd(parts: Sequence[str]) -> list[Study]:
    numbers = [number for number in map(_window, parts) if number]
    valid = len(parts) == len(numbers) == 3 and numbers[0] < numbers[1]
    return [Study("macd", tuple(numbers))] if valid else []


def _bands(parts: Sequence[str]) -> list[Study]:
    if len(parts) != 2 or not _FRACTION.fullmatch(parts[1]):
        return []
    window, deviations = _window(parts[0]), float(parts[1])
    valid = window is not None and 0 < deviations <= MAX_DEVIATIONS
    return [Study("bbands", (window, deviations))] if window and valid else []


def _vwap(parts: Sequence[str]) -> list[Study]:
    return [Study("vwap")] if list(parts) == ["session"] else []


def _window(text: str) -> int | None:
    """Return a window; None for anything invalid."""
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= MAX_WINDOW:
        return None
    return int(text)
