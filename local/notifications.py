"""Reads what the alerts topic sends to the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from untrusted.printable import in_line


def shown(show: Callable[[str, str], None]) -> Callable[[dict[str, Any]], None]:
    """Return a function that calls `show` with a message's time and subject, without control
    characters."""
    return lambda message: show(_timestamp(message), in_line(str(message.get("Subject", ""))))


def _timestamp(message: dict[str, Any]) -> str:
    """Return the tick's time, or a digest's end, from the JSON for HTTP subscribers; empty for
    other texts."""
    try:
        alert = json.loads(message.get("Message", ""))
    except (ValueError, TypeError, RecursionError):
        return ""
    if not isinstance(alert, dict):
        return ""
    return in_line(str(alert.get("timestamp", alert.get("until", ""))))
