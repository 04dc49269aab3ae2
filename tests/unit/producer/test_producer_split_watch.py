"""A split among live ticks is what Yahoo lists, and has its symbol's history fetched again."""

from __future__ import annotations

import threading
from datetime import datetime
from decimal import Decimal

import msgspec
import pytest

from producer.sources.pushed.split_questions import MOST_HELD, SplitQuestions
from producer.sources.yahoo_actions import split_of
from producer.split_watch import SplitWatch
from producer.status import Status
from producer.throttling import TokenBucket
from producer.wire import WireTick

THURSDAY, FRIDAY = "2026-11-19T20:30:00.000000Z", "2026-11-20T14:31:00.000000Z"
NOON = "2026-11-20T17:00:00+00:00"


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


def watching(told: list[str]) -> SplitWatch:
    return SplitWatch(Status(lambda _event, message: told.append(message)))


def test_a_polled_split_is_reported_once_and_stays_on_the_sessions_ticks(told: list[str]) -> None:
    watch = watching(told)
    assert watch.seen_in([tick(THURSDAY, "400", "398")]) == set()
    assert watch.seen_in([tick(FRIDAY, "101", "100.2", "4:1")]) == {"AAPL"}
    later = tick("2026-11-20T14:32:00.000000Z", "101", "100.2")
    assert watch.seen_in([later]) == set()
    assert later.split == "4:1"
    assert told == ["AAPL: a split, 4:1: fetching its history again"]


class Asking:
    """Questions about pushed ticks. `run` answers what was asked."""

    def __init__(self, told: list[str], feed: Feed, now: str = NOON) -> None:
        self.split: list[str] = []
        self._questions = SplitQuestions(
            Status(lambda _event, message: told.append(message)),
            feed,
            TokenBucket(1000.0, 1000.0),
            lambda: datetime.fromisoformat(now),
            self.split.append,
        )
        self.passing = self._questions.passing
        self.learn = self._questions.learn

    def run(self) -> list[WireTick]:
        """Ask what there is to ask; return the ticks that pass then."""
        while self._questions.ask(threading.Event()):
            pass
        return self.passing([])


@pytest.mark.parametrize("answer", ["4:1", None])
def test_a_ratio_is_a_split_only_where_yahoo_lists_it(told: list[str], answer: str | None) -> None:
    feed = Feed(answer)
    asking = Asking(told, feed)
    assert len(asking.passing([tick(THURSDAY, "400", "398")])) == 1
    assert asking.passing([tick(FRIDAY, "101", "100.2")]) == []
    (first,) = asking.run()
    (later,) = asking.passing([tick("2026-11-20T14:32:00.000000Z", "101", "100.2")])
    assert (first.split, later.split) == (answer, answer)
    assert asking.split == (["AAPL"] if answer else [])
    assert feed.asked == ["AAPL"]


def test_other_symbols_do_not_wait_for_an_answer(told: list[str]) -> None:
    asking = Asking(told, Feed("4:1"))
    asking.passing([tick(THURSDAY, "400", "398")])
    other = msgspec.structs.replace(tick(FRIDAY, "50", "50"), symbol="MSFT")
    more = tick("2026-11-20T14:31:01.000000Z", "102", "100.2")
    assert asking.passing([tick(FRIDAY, "101", "100.2"), other, more]) == [other]
    assert [one.price for one in asking.run()] == [101, 102]


def test_yahoo_is_asked_once_a_symbol_and_session_whatever_comes(told: list[str]) -> None:
    feed = Feed(None)
    asking = Asking(told, feed)
    asking.passing([tick(THURSDAY, "400", "398")])
    early = [tick(f"2026-11-20T12:{minute:02}:00.000000Z", "101", "100.2") for minute in range(60)]
    for one in early:  # before the open: the last regular price stays Thursday's
        asking.passing([one])
        asking.run()
    assert feed.asked == ["AAPL"]


def test_only_the_current_session_is_asked_about(told: list[str]) -> None:
    feed = Feed("4:1")
    asking = Asking(told, feed, now="2026-11-23T17:00:00+00:00")
    old = [tick(f"2026-{month:02}-02T17:00:00.000000Z", "100", "50") for month in range(2, 12)]
    assert len(asking.passing(old)) == len(old)
    assert asking.run() == []
    assert feed.asked == []


def test_ticks_that_wait_too_long_for_an_answer_are_sent_without_it(told: list[str]) -> None:
    asking = Asking(told, Feed("4:1"))
    asking.passing([tick(THURSDAY, "400", "398")])
    firsts = [tick(FRIDAY, "101", "100.2") for _ in range(MOST_HELD + 1)]
    assert asking.passing(firsts) == firsts
    assert firsts[0].split is None
    asking.run()
    (later,) = asking.passing([tick("2026-11-20T14:32:00.000000Z", "101", "100.2")])
    assert later.split == "4:1"


def test_a_gap_hides_no_listed_split(told: list[str]) -> None:
    asking = Asking(told, Feed("4:1"))
    ticks = [tick("2026-11-17T17:30:00.000000Z", "400", "398"), tick(FRIDAY, "101", "100.2")]
    assert asking.passing(ticks) == ticks[:1]
    assert asking.run() == ticks[1:]
    assert asking.split == ["AAPL"]


def test_a_failing_lookup_of_splits_is_reported_and_the_price_is_sent(told: list[str]) -> None:
    asking = Asking(told, Feed(OSError("unreachable")))
    asking.passing([tick(THURSDAY, "400", "398"), tick(FRIDAY, "101", "100.2")])
    assert len(asking.run()) == 1
    assert len(told) == 1
    assert told[0].startswith("AAPL: whether it was split is not known: ")


def test_a_split_that_history_brought_is_written_into_ticks_and_not_fetched_again(
    told: list[str],
) -> None:
    asking = Asking(told, feed := Feed(None))
    bar = WireTick(
        symbol="AAPL", timestamp="2026-11-20T00:00:00.000000Z", price=Decimal(100), bar="1d"
    )
    bar.split = "4:1"
    asking.learn([bar])
    asking.passing([tick(THURSDAY, "400", "398")])
    (first,) = asking.passing([tick("2026-11-20T09:31:00.000000Z", "101", "100.2")])
    assert first.split == "4:1"
    assert (told, asking.split, feed.asked) == ([], [], [])


@pytest.mark.parametrize("previous_close", ["399", "392", None])
def test_plain_sessions_ask_for_nothing(told: list[str], previous_close: str | None) -> None:
    feed = Feed("4:1")
    ticks = [tick(THURSDAY, "400", "398"), tick(FRIDAY, "401", previous_close)]
    asking = Asking(told, feed)
    assert asking.passing(ticks) == ticks
    asking.run()
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
        (10_001.0, None),
        (float("nan"), None),
        (None, None),
    ],
)
def test_yahoos_ratio_as_shares(listed: object, ratio: str | None) -> None:
    assert split_of(listed) == ratio
