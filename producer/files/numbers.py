"""Parses numbers with currency signs, thousands separators and decimal commas.

Digits are kept exactly; no number becomes a float.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from chalicelib.domain.ticks import number

Mark = Literal[".", ","]
"""The decimal mark."""

_EMPTY = frozenset(
    ("", "null", "nan", "none", "n/a", "na", "#n/a", "nat", "<na>", "-", "--", "—", "inf", "-inf")
)
_SIGNS = str.maketrans("", "", "$€£¥₹%'\u2019 \u00a0\u202f\t")
_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d*)?")
_LONGEST = 1_000
"""The most characters of a cell."""

_SHOWN = 40
"""Characters of a number shown in messages."""

_SCALES = {"K": 3, "M": 6, "B": 9, "T": 12}


def number_of(text: str, mark: Mark = ".") -> Decimal | None:
    """Parse a number, rounded to eight decimals; return None if the text marks a missing value.

    `58.41M` is 58,410,000, as some sites write volumes. Raises ValueError for other text, and for
    too many digits.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"{text[:_SHOWN]!r}... is not a number: too many digits")
    if text.lower() in _EMPTY:
        return None
    if _PLAIN.fullmatch(text) and (mark == "." or "." not in text):
        return _exact(text)
    bare = text.translate(_SIGNS).upper()
    if bare.lower() in _EMPTY:
        return None
    scale = _SCALES.get(bare[-1:], 0)
    bare = bare[:-1] if scale else bare
    if mark == ",":
        bare = bare.translate(str.maketrans(".,", ",."))
    if _GROUPED.fullmatch(bare):
        bare = bare.replace(",", "")
    if not _PLAIN.fullmatch(bare):
        raise ValueError(f"{text[:_SHOWN]!r} is not a number")
    return _exact(bare, scale)


def _exact(text: str, scale: int = 0) -> Decimal:
    try:
        value = Decimal(text)
        return number(value.scaleb(scale) if scale else value)
    except ArithmeticError as error:
        raise ValueError(f"{text[:_SHOWN]} has too many digits") from error


def mark_shown(text: str) -> Mark | None:
    """Return the decimal mark that a cell shows; None if it is ambiguous.

    `1.234,5` and `0,5` show a comma, `1,234.5` and `12.25` a point; `1,234` shows neither.
    """
    points, commas = text.count("."), text.count(",")
    if not points and not commas:
        return None
    if points and commas:
        return "." if text.rfind(".") > text.rfind(",") else ","
    own: Mark = "." if points else ","
    other: Mark = "," if points else "."
    if points + commas > 1:
        return other
    whole, _, decimals = text.translate(_SIGNS).partition(own)
    digits = decimals.rstrip("KMBTkmbt")
    if len(digits) == 3 and whole.lstrip("+-") not in ("", "0") and len(whole.lstrip("+-")) <= 3:
        return None
    return own
