"""A split among live ticks has a symbol's history fetched anew."""

from __future__ import annotations

from decimal import Decimal

import pytest

from producer.split_watch import SplitWatch
from producer.status import Status
from producer.wire import WireTick

THURSDAY, FRIDAY = "2026-11-19T20:30:00.000000Z", "2026-11-20T14:31:00.000000Z"


def tick(timestamp: str, price: str, previous_close: str | None) -> WireTick:
    """A live tick of AAPL."""
    close = None if previous_close is None else Decimal(previous_close)
    return WireTick(
        symbol="AAPL",
        timestamp=timestamp,
        price=Decimal(price),
        previous_close=close,
        exchange_timezone="America/New_York",
    )


@pytest.fixture
def watch() -> SplitWatch:
    """A fresh watch."""
    return SplitWatch(Status(lambda _event, _message: None))


def test_split_is_seen_in_the_next_sessions_previous_close(watch: SplitWatch) -> None:
    assert watch.seen_in([tick(THURSDAY, "400", "398")]) == set()
    assert watch.seen_in([tick(FRIDAY, "101", "100.2")]) == {"AAPL"}


def test_split_is_told_once(watch: SplitWatch) -> None:
    watch.seen_in([tick(THURSDAY, "400", "398"), tick(FRIDAY, "101", "100.2")])
    assert watch.seen_in([tick("2026-11-20T14:32:00.000000Z", "101", "100.2")]) == set()


@pytest.mark.parametrize("previous_close", ["399", "392", None])
def test_plain_sessions_show_none(watch: SplitWatch, previous_close: str | None) -> None:
    ticks = [tick(THURSDAY, "400", "398"), tick(FRIDAY, "401", previous_close)]
    assert watch.seen_in(ticks) == set()


def test_jump_over_a_gap_is_no_split(watch: SplitWatch) -> None:
    ticks = [tick("2026-11-17T20:30:00.000000Z", "400", "398"), tick(FRIDAY, "101", "100.2")]
    assert watch.seen_in(ticks) == set()
