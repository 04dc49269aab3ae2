"""Runs an indicator over a series of bars."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def over(indicator: Any, bars: Iterable[Any]) -> list[Any]:
    """Return the indicator's value after each bar, which is a price or a tuple for `update`."""
    return [indicator.update(*(bar if isinstance(bar, tuple) else (bar,))) for bar in bars]
