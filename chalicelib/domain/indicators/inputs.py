"""Checks of indicator parameters."""

from __future__ import annotations

from decimal import Decimal

Number = float | Decimal


def checked_window(window: int, name: str = "window") -> int:
    """Return `window`, a number of bars. Raises ValueError, which calls it `name`, if it is below
    1."""
    if window < 1:
        raise ValueError(f"{name} is {window}; at least 1 bar is needed")
    return window
