"""A split among live ticks is what Yahoo lists, and has its symbol's history fetched again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from producer.sources.yahoo import split_of
from producer.split_watch import SplitWatch
from producer.status import Status
from producer.wire import WireTick

THURSDAY, FRIDAY = "2026-11-19T20:30:00.000000Z", "2026-11-20T14:31:00.000000Z"


def tick(
    timestamp: str, price: str, previous_close: str | None, split: str | None = None
) -> WireTick:
    """A live tick of AAPL."""
    close = None if previous_close is None else Decimal(previous_close)
    return WireTick(
        symbol="AAPL",
        timestamp=timestamp,
        price=Decimal(price),
        previous_close=close,
        exchange_timezone="America/New_York",
        split=split,
    )


class Feed:
    """A list of splits that counts how often it is asked."""

    def __init__(self, answer: str | Exception | None) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, symbol: str) -> str | None:
        self.asked.append(symbol)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def told() -> list[str]:
    """Return the reported problems."""
    return []


def watching(told: list[str], feed: Feed | None = None) -> SplitWatch:
    return SplitWatch(Status(lambda _event, message: told.append(message)), feed or Feed(None))


def test_a_polled_split_is_reported_once_and_stays_on_the_sessions_ticks(told: list[str]) -> None:
    watch, feed = watching(told), Feed("9:1")
    assert watch.seen_in([tick(THURSDAY, "400", "398")]) == set()
    assert watch.seen_in([tick(FRIDAY, "101", "100.2", "4:1")]) == {"AAPL"}
    later = tick("2026-11-20T14:32:00.000000Z", "101", "100.2")
    assert watch.seen_in([later]) == set()
    assert later.split == "4:1"
    assert feed.asked == []
    assert told == ["AAPL: a split, 4:1: fetching its history again"]


def test_a_ratio_is_a_split_only_where_yahoo_lists_it(told: list[str]) -> None:
    for answer, seen in (("4:1", {"AAPL"}), (None, set())):
        feed = Feed(answer)
        watch = watching(told, feed)
        first = tick(FRIDAY, "101", "100.2")
        assert watch.seen_in([tick(THURSDAY, "400", "398"), first]) == seen
        assert first.split == answer
        assert watch.seen_in([tick("2026-11-20T14:32:00.000000Z", "101", "100.2")]) == set()
        assert feed.asked == ["AAPL"]


def test_a_gap_hides_no_listed_split(told: list[str]) -> None:
    feed = Feed("4:1")
    ticks = [tick("2026-11-17T17:30:00.000000Z", "400", "398"), tick(FRIDAY, "101", "100.2")]
    assert watching(told, feed).seen_in(ticks) == {"AAPL"}


def test_a_failing_lookup_of_splits_is_reported_and_the_price_is_sent(told: list[str]) -> None:
    feed = Feed(OSError("unreachable"))
    ticks = [tick(THURSDAY, "400", "398"), tick(FRIDAY, "101", "100.2")]
    assert watching(told, feed).seen_in(ticks) == set()
    assert len(told) == 1
    assert told[0].startswith("AAPL: whether it was split is not known: ")


def test_a_split_that_history_brought_is_written_into_ticks_and_not_fetched_again(
    told: list[str],
) -> None:
    watch = watching(told)
    bar = WireTick(
        symbol="AAPL", timestamp="2026-11-20T00:00:00.000000Z", price=Decimal(100), bar="1d"
    )
    bar.split = "4:1"
    watch.learn([bar])
    first = tick("2026-11-20T09:31:00.000000Z", "101", "100.2")  # before the open
    assert watch.seen_in([first]) == set()
    assert first.split == "4:1"
    assert told == []


@pytest.mark.parametrize("previous_close", ["399", "392", None])
def test_plain_sessions_ask_for_nothing(told: list[str], previous_close: str | None) -> None:
    feed = Feed("4:1")
    ticks = [tick(THURSDAY, "400", "398"), tick(FRIDAY, "401", previous_close)]
    assert watching(told, feed).seen_in(ticks) == set()
    assert feed.asked == []


@pytest.mark.parametrize(
    ("listed", "ratio"),
    [
        (5.0, "5:1"),
        (0.1, "1:10"),
        (1.5, "3:2"),
        (0.333333, "1:3"),
        (1.25, "5:4"),
        (0.0, None),
        (1.0, None),
        (float("nan"), None),
        (None, None),
    ],
)
def test_yahoos_ratio_as_shares(listed: object, ratio: str | None) -> None:
    assert split_of(listed) == ratio
