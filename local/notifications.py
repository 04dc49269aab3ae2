"""Reads the alerts topic's messages for the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from untrusted.printable import in_line


def shown(show: Callable[[str, str], None]) -> Callable[[dict[str, Any]], None]:
    """Return a function that calls `show` with a message's time and subject, made printable."""
    return lambda message: show(_timestamp(message), in_line(str(message.get("Subject", ""))))


def _timestamp(message: dict[str, Any]) -> str:
    """Return the tick's time or a digest's end; empty if the text is not the JSON of an alert."""
    try:
        alert = json.loads(message.get("Message", ""))
    except (ValueError, TypeError, RecursionError):
        return ""
    if not isinstance(alert, dict):
        return ""
    return in_line(str(alert.get("timestamp", alert.get("until", ""))))
