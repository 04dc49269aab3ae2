"""Rules that a run may have, by id."""

from __future__ import annotations

import random
from typing import Any

from chalicelib.domain.when.writing import to_text
from tests.when_trees import Trees

_INTERVALS = ("tick", "1m", "1m", "5m", "1h", "1d")


def _when(number: int) -> dict[str, Any]:
    """A rule with a random condition over its symbol's ticks and bars."""
    interval = _INTERVALS[number % len(_INTERVALS)]
    tree = Trees(random.Random(number), interval, ("1m", "5m", "1h", "1d")).condition()
    return {"when": to_text(tree), "interval": interval}


TEMPLATES: dict[str, dict[str, Any]] = {
    "above": {"condition": "greater_than", "value": "101.5", "trigger": "once"},
    "below": {"condition": "less_than", "value": "99.25", "trigger": "once_per_session"},
    "cross": {"condition": "crossing", "value": "100", "trigger": "once_per_bar"},
    "up": {"condition": "crossing_up", "value": "100.75", "cooldown_seconds": 100},
    "down": {"condition": "crossing_down", "value": "101", "notify": False},
    "change": {"condition": "change_percent", "value": "3"},
    "move": {"condition": "moving_percent", "value": "2", "window": 3},
    "golden": {"condition": "golden_cross", "fast": 2, "slow": 6},
    "first": {"condition": "every_record", "trigger": "once"},
    "each": {"condition": "every_record", "trigger": "once_per_session"},
    "minute": {"condition": "crossing_up", "value": "100", "interval": "1m"},
    "averages": {"condition": "golden_cross", "fast": 1, "slow": 3, "interval": "1m"},
    "five": {"condition": "moving_percent", "value": "1", "window": 1, "interval": "5m"},
    "hour": {"condition": "greater_than", "value": "100", "interval": "1h"},
    "day": {"condition": "crossing", "value": "100", "interval": "1d"},
}

SEEDS = (7, 12, 13, 37, 42, 68, 73, 82, 97, 110, 146, 164, 212, 219, 222)
"""Conditions that are not the same at all prices."""

WHENS = {f"when{number:03d}": _when(number) for number in SEEDS}
WHENS |= {
    "when-tick": {"when": "close crosses above close(1m) within 2 bars", "interval": "tick"},
    "when-5m": {"when": "close > sma(2) for 2 bars or day_change < -1", "interval": "5m"},
    "when-1h": {"when": "not close <= high(1m)[2]", "interval": "1h", "trigger": "once"},
    "when-1d": {"when": "day_change > 0 and gap > -5", "interval": "1d"},
}

TEMPLATES |= {name: {"condition": "when", **fields} for name, fields in WHENS.items()}
