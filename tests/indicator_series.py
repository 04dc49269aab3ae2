"""Runs an indicator over a series."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def over(indicator: Any, bars: Iterable[Any]) -> list[Any]:
    """Return the value after each bar: a price, or a tuple of what `update` takes."""
    return [indicator.update(*(bar if isinstance(bar, tuple) else (bar,))) for bar in bars]
