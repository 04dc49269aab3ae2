"""Reads fields of the collector's items one by one, and names those that are invalid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.times import from_text


class Fields:
    """Reads fields of a DynamoDB item. Methods return None for a missing or invalid field and add
    its name to `broken`."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        self._item = item
        self.broken: list[str] = []

    def text(self, name: str) -> str | None:
        """Return a field's text."""
        return self._read(name, "S")

    def number(self, name: str, most: int) -> int | None:
        """Return a field's whole number, from 0 to `most`."""
        text = self._read(name, "N")
        if text is None:
            return None
        if text.isdecimal() and int(text) <= most:
            return int(text)
        self.fail(name)
        return None

    def instant(self, name: str) -> datetime | None:
        """Return a field's time as an aware UTC datetime."""
        text = self._read(name, "S")
        try:
            return None if text is None else from_text(text)
        except ValueError:
            self.fail(name)
            return None

    def _read(self, name: str, kind: str) -> str | None:
        value = self._item.get(name)
        if isinstance(value, Mapping) and isinstance(value.get(kind), str):
            return str(value[kind])
        self.fail(name)
        return None

    def fail(self, name: str) -> None:
        """Mark a field as invalid."""
        self.broken.append(name)
