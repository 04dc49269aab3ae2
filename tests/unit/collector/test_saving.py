"""The collector's memory, which a later run may have written."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from producer.collector.recollection import Recollection
from producer.sources.resumable import Known
from producer.status import Status

NOW = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)


class Store:
    """Takes no memory while a later run's is stored."""

    is_free = False
    calls = 0

    def at(self, now: datetime) -> datetime:
        return now

    def write(self, _memory: object, _run: int) -> bool:
        self.calls += 1
        return self.is_free


def test_a_refused_memory_is_not_taken_for_saved() -> None:
    store = Store()
    source = SimpleNamespace(needs_hygiene=False, recorded=False, known=Known())
    followed = SimpleNamespace(drops=lambda _symbol: False)
    kept = Recollection(
        cast(Any, store),
        Status(lambda _event, _message: None),
        lambda: NOW,
        "yfinance",
        cast(Any, source),
        cast(Any, followed),
    )
    assert [kept.save(1), kept.save(1)] == [False, False]
    store.is_free = True
    assert [kept.save(1), kept.save(1)] == [True, True]
    assert store.calls == 3
