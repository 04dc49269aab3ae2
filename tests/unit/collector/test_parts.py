"""The collector's parts: its minute, clock, lease, memory and environment; and what it imports."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from producer.collector.clocks import SteadyClock
from producer.collector.items import Items
from producer.collector.lease import Held, Lease, Taken
from producer.collector.memory_store import MemoryStore
from producer.collector.remembering import Memory
from producer.collector.settings import FLAGS, load
from producer.collector.tenure import polling_seconds
from producer.errors import UsageError
from producer.hours import MarketHours
from rigs.memory_aws.dynamodb import Perform
from rigs.memory_aws.system import Aws
from tests.producer_support.collecting import ENVIRONMENT
from tests.producer_support.doubles import ROOT, environment

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
NOW = datetime(2026, 11, 20, 15, 30, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "remaining", "seconds"),
    [
        ({"time": "2026-11-20T15:30:00Z"}, 90, 37),
        ({"time": "2026-11-20T15:30:20Z"}, 90, 57),
        ({"time": "2026-11-20T15:29:50Z"}, 90, 27),
        ({"time": "2026-11-20T15:30:00Z"}, 30, 22),
        ({}, 90, 57),
        ({"time": "soon"}, 90, 57),
        ({"time": "2026-11-20T15:30:30Z"}, 90, 57),  # the clock is behind
        ({"time": "2026-11-20T14:30:00Z"}, 90, 57),  # the clock is an hour ahead
    ],
)
def test_a_run_polls_until_shortly_before_its_minute_is_over(
    event: dict[str, str], remaining: float, seconds: float
) -> None:
    assert polling_seconds(event, NOW, remaining) == seconds


@pytest.mark.parametrize("time", ["2026-11-20T15:29:20Z", "2026-11-20T15:25:00Z"])
def test_an_event_whose_minute_is_over_polls_nothing(time: str) -> None:
    assert polling_seconds({"time": time}, NOW, 90) <= 0


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 5.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("by_day", "monotonic", "passed"),
    [(60, 60, 60), (60, 0, 60), (-3600, 60, 60), (3600, 60, 3600), (1e9, 0, 86_400)],
)
def test_the_longer_of_both_clocks_counts_for_a_pause(
    by_day: float, monotonic: float, passed: float
) -> None:
    watch = Watch()
    clock = SteadyClock(watch)
    clock.resume(NOW)
    before = clock()
    clock.leave(NOW)
    watch.seconds += monotonic
    clock.resume(NOW + timedelta(seconds=by_day))
    assert clock() - before == passed


def until(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_one_of_two_readers_of_a_free_lease_takes_it() -> None:
    aws = Aws()
    items = Items(aws.dynamodb, "symbols")
    others: list[Taken | Held] = []

    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if operation == "PutItem" and not others:
            aws.around = lambda _operation, _request, go: go()
            others.append(Lease(items).take("other", NOW, until(60)))
        return perform()

    aws.around = around
    mine = Lease(items).take("mine", NOW, until(60))
    assert isinstance(others[0], Taken)
    assert isinstance(mine, Held)
    assert mine.owner == "other"


def test_a_lease_whose_answer_was_lost_is_taken() -> None:
    aws = Aws()

    def around(operation: str, _request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        answer = perform()
        return perform() if operation == "PutItem" else answer  # as boto3 tries again

    aws.around = around
    taken = Lease(Items(aws.dynamodb, "symbols")).take("mine", NOW, until(60))
    assert isinstance(taken, Taken)


def test_a_run_cannot_give_back_the_lease_of_a_later_one() -> None:
    lease = Lease(Items(Aws().dynamodb, "symbols"))
    first = lease.take("first", NOW, until(10))
    second = lease.take("second", until(20), until(80))
    assert isinstance(first, Taken)
    assert isinstance(second, Taken)
    assert second.ours.run > first.ours.run
    lease.release(first, until(21), until(21))
    assert isinstance(lease.take("third", until(22), until(80)), Held)
    lease.release(second, until(23), until(23))
    assert isinstance(lease.take("third", until(24), until(80)), Taken)


def test_an_earlier_run_does_not_overwrite_the_memory_of_a_later_one() -> None:
    store = MemoryStore(Items(Aws().dynamodb, "symbols"))
    later = Memory(source="yfinance", latest={"AAPL": "2026-11-20T15:30:00.000000Z"})
    assert store.write(later, 8)
    assert not store.write(Memory(source="yfinance"), 7)
    assert store.read(NOW).memory == later


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"COLLECTOR_SOURCE": "yfinance-live"}, "COLLECTOR_SOURCE: 'yfinance-live'; allowed: yfi"),
        ({"COLLECTOR_INTERVAL": "often"}, "COLLECTOR_INTERVAL: 'often' is not allowed; allowed: "),
        ({"COLLECTOR_SYMBOLS": "A,-"}, "COLLECTOR_SYMBOLS: '-' is not a symbol; allowed: "),
        ({"COLLECTOR_TICKS_PER_RECORD": "0"}, "COLLECTOR_TICKS_PER_RECORD: '0' is not allowed"),
        ({"COLLECTOR_FLUSH_SECONDS": "61"}, "COLLECTOR_FLUSH_SECONDS: '61' is not allowed"),
        ({"SYMBOLS_TABLE": ""}, "SYMBOLS_TABLE is needed"),
        ({"TICKS_STREAM": ""}, "exactly one is needed, neither is set"),
        ({"TICKS_QUEUE_URL": "https://q.fifo"}, "exactly one is needed, both are set"),
    ],
)
def test_an_environment_that_cannot_be_used_names_the_variable(
    given: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        load(ENVIRONMENT | given)
    assert message in str(raised.value)


def test_variables_say_what_the_flags_of_stream_say() -> None:
    values = {"COLLECTOR_INTERVAL": "30", "COLLECTOR_TICKS_PER_RECORD": "5"}
    settings = load(ENVIRONMENT | values | {"COLLECTOR_SYMBOLS": "aapl,MSFT"})
    assert (settings.options.interval, settings.options.ticks_per_record) == (30, 5)
    assert (settings.source, settings.symbols) == ("yfinance", ("AAPL", "MSFT"))
    queue = load(ENVIRONMENT | {"TICKS_STREAM": "", "TICKS_QUEUE_URL": "https://q.fifo"})
    assert (queue.options.sink, queue.options.queue_url) == ("sqs", "https://q.fifo")
    assert queue.symbols == ()


def test_every_variable_is_described() -> None:
    text = (ROOT / "docs" / "producer.md").read_text()
    for name in (*FLAGS, "COLLECTOR_SOURCE", "COLLECTOR_SYMBOLS", "STAGE", "SYMBOLS_TABLE"):
        assert f"`{name}`" in text


def test_the_function_imports_nothing_heavy_before_it_needs_it() -> None:
    heavy = ("yfinance", "pandas", "numpy", "exchange_calendars", "boto3", "botocore", "rich")
    code = (
        "import sys, producer.collector.function\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        check=True,
    )
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("symbol", "time", "given"),
    [
        ("AAPL", "2026-11-20T14:35", False),  # just open
        ("AAPL", "2026-11-20T14:41", True),
        ("AAPL", "2026-11-20T20:59", True),
        ("AAPL", "2026-11-20T21:05", False),  # the closing price may still come
        ("AAPL", "2026-11-21T15:00", False),
        ("7203.T", "2026-11-20T03:00", False),  # Tokyo's lunch
        ("7203.T", "2026-11-20T04:30", True),
        ("BTC-USD", "2026-11-21T15:00", True),
    ],
)
def test_prices_are_expected_while_an_exchange_trades(symbol: str, time: str, given: bool) -> None:
    instant = datetime.fromisoformat(f"{time}+00:00")
    assert MarketHours().gives_prices([symbol], instant) is given
