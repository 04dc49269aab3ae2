"""What indicators take."""

from __future__ import annotations

from decimal import Decimal

Number = float | Decimal


def checked_window(window: int, name: str = "window") -> int:
    """`window`, a number of bars. Raises ValueError naming it when it is below 1."""
    if window < 1:
        raise ValueError(f"{name} is {window}; at least 1 bar is needed")
    return window
