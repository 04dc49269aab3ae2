"""The world of the collector's tests: its tables and Yahoo in memory, in a time of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.producer_support.collecting import World, world_of


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Two symbols are tracked; some files have another world."""
    with world_of(monkeypatch) as made:
        made.track("AAPL", "MSFT")
        yield made
