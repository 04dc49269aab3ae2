"""Pictures within deliveries: once for all channels, within a bounded time, never in the way."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from chalicelib.domain.alerts import TEST_CONDITION, StoredAlert
from chalicelib.domain.bars import Bar
from chalicelib.domain.messages import Message, Picture
from chalicelib.domain.pictures.png import SIGNATURE
from chalicelib.domain.sessions import calendar_for
from chalicelib.services.delivery.deliver import Deliver
from chalicelib.services.delivery.pictures import (
    MOST_ATTEMPTS,
    MOST_FAILED,
    Pictures,
    end_of,
)
from chalicelib.services.stores import Page
from tests.factories import instant, make_alert, make_bar
from tests.fake_delivery import FakeChannel, FakeDeliveries, FakeDigests, FakeDirectory, FakeRetries
from tests.fake_series import FakeBars

PATIENCE_SECONDS = 60.0


class WatchedBars(FakeBars):
    """Ten minutes of bars; notes what is asked for, and waits or fails if it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str, str | None, int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: BaseException | None = None

    def bars(
        self, symbol: str, interval: str, start: str | None, end: str | None, **named: Any
    ) -> Page[Bar]:
        """See BarStore."""
        self.asked.append((symbol, interval, end, named["limit"]))
        assert named["descending"]
        self.gate.wait(PATIENCE_SECONDS)
        if self.error is not None:
            raise self.error
        return Page(tuple(make_bar(60 * n, 100 + n) for n in reversed(range(10))))


class Illustrated(FakeChannel):
    """A channel that takes pictures; keeps what it got."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[bytes | None] = []

    def send(self, message: Message) -> None:
        """See Channel."""
        assert message.picture is not None
        self.pictures.append(message.picture())
        super().send(message)


@pytest.fixture
def bars() -> WatchedBars:
    return WatchedBars()


def stored(seconds: float = 700, **fields: Any) -> StoredAlert:
    return StoredAlert(make_alert(seconds, **fields), None, "America/New_York")


def test_channels_of_an_alert_share_one_picture_and_one_query(bars: WatchedBars) -> None:
    channels = {name: Illustrated() for name in ("a", "b", "c")}
    store, alert = FakeDeliveries(), stored()
    store.put(alert)
    directory = FakeDirectory(channels)
    deliver = Deliver(
        store,
        directory,
        FakeRetries(),
        "",
        lambda: instant(0),
        FakeDigests(),
        lambda: Pictures(bars),
    )
    done = deliver.new([("record", alert)], float("inf"))
    assert (done.sent, done.pictures_failed) == (3, 0)
    assert bars.asked == [("AAPL", "1m", "2026-11-20T15:41:00.000000Z", 60)]
    (picture,) = {picture for channel in channels.values() for picture in channel.pictures}
    assert picture is not None
    assert picture.startswith(SIGNATURE)


def test_a_channel_does_not_answer_for_the_time_that_its_picture_takes(bars: WatchedBars) -> None:
    """Otherwise it would not be known as quick."""
    store, alert = FakeDeliveries(), stored()
    store.put(alert)
    seconds = [0.0]

    class Slow(Pictures):
        def of(self, stored: StoredAlert, attempt: int) -> Picture:
            def picture() -> bytes | None:
                seconds[0] += 3.0
                return None

            return picture

    deliver = Deliver(
        store,
        FakeDirectory({"sns": Illustrated()}),
        FakeRetries(),
        "",
        lambda: instant(seconds[0]),
        FakeDigests(),
        lambda: Slow(bars),
    )
    assert deliver.new([("record", alert)], float("inf")).sent == 1
    assert seconds == [3.0]
    assert deliver._attempts._time_budget.is_quick("sns")


def test_a_channel_without_pictures_reads_no_bars(bars: WatchedBars) -> None:
    store, alert = FakeDeliveries(), stored()
    store.put(alert)
    directory = FakeDirectory({"sns": FakeChannel()})
    deliver = Deliver(
        store,
        directory,
        FakeRetries(),
        "",
        lambda: instant(0),
        FakeDigests(),
        lambda: Pictures(bars),
    )
    assert deliver.new([("record", alert)], float("inf")).sent == 1
    assert bars.asked == []


def test_a_picture_that_takes_too_long_is_left_out(
    bars: WatchedBars, caplog: pytest.LogCaptureFixture
) -> None:
    bars.gate.clear()
    pictures = Pictures(bars, seconds=0.01)
    assert pictures.of(stored(), 1)() is None
    bars.gate.set()
    assert pictures.failed == 1
    assert "goes without a picture: not drawn within 0.01 s" in caplog.text


def test_failures_are_counted_logged_once_and_bounded(
    bars: WatchedBars, caplog: pytest.LogCaptureFixture
) -> None:
    bars.error = OSError("refused")
    pictures = Pictures(bars)
    with caplog.at_level(logging.WARNING):
        for seconds in range(700, 700 + 2 * MOST_FAILED):
            assert pictures.of(stored(seconds), 1)() is None
    assert (pictures.failed, len(bars.asked)) == (MOST_FAILED, MOST_FAILED)
    assert [record.message for record in caplog.records] == [
        "a message about AAPL goes without a picture: not drawn: OSError"
    ]


def test_a_process_that_dies_while_it_draws_dies(bars: WatchedBars) -> None:
    bars.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        Pictures(bars).of(stored(), 1)()


def test_later_attempts_and_test_alerts_go_without(bars: WatchedBars) -> None:
    pictures = Pictures(bars)
    assert pictures.of(stored(), MOST_ATTEMPTS + 1)() is None
    assert pictures.of(stored(condition=TEST_CONDITION), 1)() is None
    assert (bars.asked, pictures.failed) == ([], 0)


@pytest.mark.parametrize(
    ("interval", "base", "end"),
    [
        ("tick", "1m", "2026-11-20T15:41:00.000000Z"),
        ("5m", "1m", "2026-11-20T15:41:40.000001Z"),
        ("1h", "1h", "2026-11-20T15:41:40.000001Z"),
        ("1wk", "1d", "2026-11-21T00:00:00.000000Z"),
    ],
)
def test_bars_of_what_came_after_the_alert_are_left_out(interval: str, base: str, end: str) -> None:
    alert = make_alert(700, interval=interval)
    assert end_of(alert, base, calendar_for("AAPL", "America/New_York")) == end


def test_a_day_that_began_the_evening_before_is_included() -> None:
    alert = make_alert(interval="1d")
    calendar = calendar_for("^AXJO", "Australia/Sydney")
    assert end_of(alert, "1d", calendar) == "2026-11-22T00:00:00.000000Z"
