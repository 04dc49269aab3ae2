"""Rules that a run may have, by id."""

from __future__ import annotations

from typing import Any

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
