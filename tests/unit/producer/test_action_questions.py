"""When a pushed service is asked for splits and dividends."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from producer.errors import ProducerError
from producer.sources import coinbase, yahoo
from producer.sources.pushed import http
from producer.sources.pushed.action_questions import ActionQuestions
from producer.status import Status
from producer.throttling import TokenBucket
from producer.wire import WireTick, tick_of_action
from rigs.pushed_services.coinbase import CoinbaseProtocol
from tests.action_support import make_split
from tests.producer_support.pushed_driver import Driver


class Asking:
    """Questions about A and B at `now`; `error` is raised by the next one."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
        self.error: Exception | None = None
        self.told: list[str] = []
        self.asked: list[str] = []
        status = Status(lambda _event, message: self.told.append(str(message)))
        bucket = TokenBucket(1000, 1000, lambda: 0.0)
        self.questions = ActionQuestions(status, self.answer, bucket, lambda: self.now)

    def answer(self, symbol: str, now: datetime) -> list[WireTick]:
        self.asked.append(symbol)
        error, self.error = self.error, None
        if error is not None:
            raise error
        return [tick_of_action(make_split("2020-08-31", "4:1", symbol=symbol))]

    def rounds(self, count: int = 3) -> list[str]:
        """Ask some times; return about whom."""
        self.asked = []
        for _ in range(count):
            self.questions.ask(["A", "B"], threading.Event())
        return self.asked


def test_each_symbol_is_asked_once_a_day() -> None:
    asking = Asking()
    assert asking.rounds() == ["A", "B"]
    asking.now += timedelta(minutes=59)
    assert asking.rounds() == []
    asking.now += timedelta(minutes=1)
    assert asking.rounds() == ["A", "B"]


def test_a_symbol_that_returns_is_asked_again() -> None:
    asking = Asking()
    asking.rounds()
    asking.questions.forget(lambda name: name == "A")
    assert asking.rounds() == ["A"]


@pytest.mark.parametrize("throttled", [http.Throttled, yahoo.Throttled])
def test_a_failure_of_the_service_is_asked_again_after_a_pause(
    throttled: type[ProducerError],
) -> None:
    asking = Asking()
    asking.error = throttled("429")
    assert asking.rounds() == ["A"]
    asking.now += timedelta(minutes=15)
    assert asking.rounds() == ["A", "B"]


def test_a_failure_of_a_symbol_is_asked_again_the_next_day() -> None:
    asking = Asking()
    asking.error = http.Unusable("no actions")
    assert asking.rounds() == ["A"]
    asking.now += timedelta(minutes=15)
    assert asking.rounds() == ["B"]
    asking.now += timedelta(hours=1)
    assert asking.rounds() == ["A", "B"]


def test_a_pushed_source_gives_actions_after_days_and_none_without_history() -> None:
    def told(symbol: str, now: datetime) -> list[WireTick]:
        return [tick_of_action(make_split("2020-08-31", "4:1", symbol=symbol))]

    for history, expected in ((True, ["1m", "1d", None]), (False, [])):
        driver = Driver(
            lambda: coinbase.service(),
            lambda: CoinbaseProtocol(("BTC-USD",)),
            ("BTC-USD",),
            history=history,
            actions=told,
        )
        driver.run(30)
        given = [tick for tick in driver.given if not tick.is_live]
        assert list(dict.fromkeys(tick.bar for tick in given)) == expected
        assert sum(tick.action is not None for tick in given) == history
