"""Runs of the collector: cold and warm ones, killed ones, two at once, and clocks that jump."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from chalicelib.adapters.producers import Producers
from chalicelib.domain.times import to_text
from producer.collector import engine
from producer.collector.items import Items
from producer.collector.lease import Lease, Taken
from producer.errors import SinkRefused, SinkUnavailable, StoreError, UsageError
from producer.records import Record
from producer.sender import Sender
from producer.sources import yahoo
from producer.wire import WireTick
from rigs.memory_aws.dynamodb import Perform
from rigs.memory_aws.tables import error as aws_error
from tests.patience import PATIENCE_SECONDS, eventually
from tests.producer_support.collecting import (
    CLOSED,
    Killed,
    World,
    container,
    next_minute,
)

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")


def assert_sent_once_in_order(world: World, symbol: str) -> list[str]:
    times = world.times(symbol)
    assert times == sorted(set(times))
    return times


def test_a_first_run_fetches_history_polls_for_its_minute_and_ends_before_the_next(
    world: World,
) -> None:
    begun = world.now
    answer = container(world).run()
    assert answer["state"] == "live"
    assert (answer["ticks"], answer["bars"], answer["symbols"]) == (8, 4, 2)
    assert world.asked == {"AAPL": 4, "MSFT": 4}
    assert world.histories == {"AAPL": 2, "MSFT": 2}
    assert timedelta(seconds=45) <= world.now - begun < timedelta(seconds=58)


def test_a_warm_run_goes_on_and_sends_nothing_twice(world: World) -> None:
    warm = container(world)
    for _ in range(3):
        warm.run()
        next_minute(world)
    assert world.histories == {"AAPL": 2, "MSFT": 2}
    assert len(assert_sent_once_in_order(world, "AAPL")) == 12


def test_a_cold_start_goes_on_where_another_container_ended(world: World) -> None:
    container(world).run()
    container(world).run({})
    assert world.histories == {"AAPL": 2, "MSFT": 2}
    assert len(assert_sent_once_in_order(world, "AAPL")) == len(world.times("MSFT")) > 4


def test_a_container_that_was_passed_over_sends_nothing_again(world: World) -> None:
    first, second = container(world), container(world)
    for chosen in (first, second, first, second):
        chosen.run()
        next_minute(world)
    assert len(assert_sent_once_in_order(world, "AAPL")) == 16
    assert world.histories == {"AAPL": 2, "MSFT": 2}


def test_trades_of_one_second_are_not_sent_again_by_a_cold_start(world: World) -> None:
    trade = world.trade("AAPL")
    volumes, given = map(Decimal, range(100)), []

    def answer(_symbol: str) -> WireTick:
        given.append(msgspec.structs.replace(trade, volume=next(volumes)))
        return msgspec.structs.replace(given[-1])

    world.answers["AAPL"] = answer
    container(world).run()
    assert len(set(world.times("AAPL"))) == 4  # moved by microseconds
    world.answers["AAPL"] = lambda _symbol: msgspec.structs.replace(given[-1])
    next_minute(world)
    container(world).run()
    assert len(world.times("AAPL")) == 4


def test_ticks_sent_by_a_killed_run_are_not_sent_again(world: World) -> None:
    killed = container(world)
    polls = iter(range(3))

    def poll() -> None:
        last = world.trade("AAPL").timestamp
        eventually(lambda: world.memory["latest"].get("AAPL") == last)
        if next(polls) == 2:
            killed.kill()

    world.on_poll = poll
    with pytest.raises(Killed):
        killed.run()
    before = len(world.times("AAPL"))
    world.on_poll = lambda: None
    next_minute(world)
    answer = container(world).run()
    assert not answer["busy"]
    assert len(assert_sent_once_in_order(world, "AAPL")) > before == 3


def test_ticks_unrecorded_before_a_kill_are_sent_again_unchanged(
    world: World,
) -> None:
    killed = container(world)

    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        item = request.get("Item", {})
        if item.get("symbol") == {"S": "memory"} and '"AAPL":' in item["memory"]["S"]:
            killed.alive = False
            raise RuntimeError("killed")
        return perform()

    trade = world.trade("AAPL")
    world.answers["AAPL"] = lambda _symbol: msgspec.structs.replace(trade)
    world.aws.around = around
    with pytest.raises(RuntimeError, match="killed"):
        killed.run()
    world.aws.around = lambda _operation, _request, perform: perform()
    next_minute(world)
    container(world).run()
    sent = [tick for tick in world.ticks if tick["symbol"] == "AAPL"]
    assert len(sent) == 2
    first, again = ({**tick, "sent_at": ""} for tick in sent)
    assert first == again


def test_a_killed_runs_lease_holds_the_next_one_up_by_seconds(world: World) -> None:
    killed = container(world)
    world.on_poll = killed.kill
    with pytest.raises(Killed):
        killed.run()
    world.on_poll = lambda: None
    next_minute(world)
    second = container(world)
    begun = world.now
    assert second.run()["ticks"] > 0
    assert second.said("note")[0] == "waiting up to 15 s for the lease of an earlier run"
    assert world.now - begun < timedelta(seconds=58)


def test_a_run_that_is_about_to_end_is_waited_for(world: World) -> None:
    lease = Lease(Items(world.aws.dynamodb, "symbols"))
    held = lease.take("earlier", world.now, world.now + timedelta(seconds=14))
    assert isinstance(held, Taken)
    second = container(world)
    begun = world.now

    def around(operation: str, _request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if operation == "GetItem" and world.now - begun == timedelta(seconds=2):
            world.aws.around = lambda _operation, _request, go: go()
            lease.release(held, world.now, world.now)
        return perform()

    world.aws.around = around
    assert second.run()["ticks"] > 0
    assert world.times("AAPL")[0] == to_text(begun)
    assert world.ticks[0]["sent_at"] == to_text(begun + timedelta(seconds=2))


def test_one_of_two_concurrent_starts_sends(world: World) -> None:
    first, second = container(world), container(world)
    answers: list[dict[str, Any]] = []

    def start() -> None:
        world.on_poll = lambda: None
        answers.append(second.run())

    world.on_poll = start
    sent = first.run()["ticks"]
    assert answers[0]["busy"]
    assert second.metrics == {"CollectorBusyRuns": 1}
    assert len(world.ticks) == sent


def test_a_second_delivery_of_an_event_after_its_run_does_nothing(world: World) -> None:
    event = {"time": to_text(world.now)}
    warm = container(world)
    warm.run(event)
    asked = world.asked.copy()
    world.advance(9)
    assert not warm.run(event)["late"]
    world.advance(9)
    assert warm.run(event)["late"]
    assert world.asked == asked


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_clock_that_is_set_in_a_run_changes_neither_its_length_nor_the_next_one(
    world: World, jump: timedelta
) -> None:
    warm = container(world)

    def set_clock() -> None:
        world.clock_is_off = jump

    world.on_poll = set_clock
    begun = world.seconds
    warm.run()
    assert 45 <= world.seconds - begun < 58
    world.clock_is_off = timedelta()
    next_minute(world)
    answer = warm.run()
    assert not answer["busy"]
    assert answer["ticks"] > 0


@pytest.mark.parametrize("tells_time", [True, False])
def test_a_lease_taken_by_a_clock_an_hour_ahead_ends_in_time(
    world: World, tells_time: bool
) -> None:
    world.tells_time = tells_time
    ahead = container(world)
    world.clock_is_off = timedelta(hours=1)
    world.on_poll = ahead.kill
    with pytest.raises(Killed):
        ahead.run()
    world.on_poll = lambda: None
    world.clock_is_off = timedelta()
    assert container(world).run()["busy"]  # what was killed may be sending still
    next_minute(world)
    assert not container(world).run()["busy"]


def test_a_container_that_was_frozen_polls_as_if_its_clock_had_gone_on(world: World) -> None:
    warm = container(world)
    warm.run()
    asked = world.asked["AAPL"]
    world.now += timedelta(seconds=60 - world.now.second)  # and its monotonic clock stands still
    warm.run()
    assert world.asked["AAPL"] == asked + 4


def test_while_everything_is_closed_a_run_asks_for_what_is_new_and_ends(world: World) -> None:
    world.now = CLOSED
    warm = container(world)
    first = warm.run()
    assert first["state"] == "market closed until 2026-11-23T14:30:00.000000Z"
    assert world.now == CLOSED
    assert world.asked == {"AAPL": 1, "MSFT": 1}
    next_minute(world)
    for chosen in (warm, container(world)):  # warm and cold
        assert chosen.run()["ticks"] == 0
        assert chosen.metrics == {"CollectorRuns": 1}
        next_minute(world)
    assert world.asked == {"AAPL": 1, "MSFT": 1}
    assert world.histories == {"AAPL": 2, "MSFT": 2}


def test_the_closing_price_is_polled_for_after_the_close(world: World) -> None:
    world.now = CLOSED.replace(day=20, hour=21, minute=9)  # New York closes at 21:00
    container(world).run()
    assert world.asked["AAPL"] > 1


@pytest.mark.parametrize("is_open", [True, False])
def test_a_symbol_added_between_runs_gets_history_and_prices(world: World, is_open: bool) -> None:
    world.now = world.now if is_open else CLOSED
    warm = container(world)
    warm.run()
    next_minute(world)
    world.track("TSLA")
    answer = warm.run()
    assert answer["symbols"] == 3
    assert world.histories == {"AAPL": 2, "MSFT": 2, "TSLA": 2}
    assert world.times("TSLA")


def test_a_symbol_that_is_no_longer_tracked_is_forgotten(world: World) -> None:
    warm = container(world)
    warm.run()
    key = {"list": {"S": "tracked"}, "symbol": {"S": "MSFT"}}
    world.aws.dynamodb.delete_item(TableName="symbols", Key=key)
    next_minute(world)
    warm.run()
    assert list(world.memory["latest"]) == ["AAPL"]
    assert world.memory["with_history"] == ["AAPL"]


def throttle(_symbol: str) -> WireTick:
    raise yahoo.Throttled("Yahoo answers 429: too many requests")


def test_a_refusal_of_yahoos_is_waited_for_across_runs_and_containers(world: World) -> None:
    world.answers = {"AAPL": throttle, "MSFT": throttle}
    warm = container(world)
    answer = warm.run()
    until = answer["state"].removeprefix("throttled by Yahoo until ")
    assert "2026-11-20T15:31:00" <= until <= "2026-11-20T15:31:20"
    asked = world.asked.copy()
    event = {"time": to_text(world.now)}
    world.advance(2)
    begun = world.now
    for chosen in (warm, container(world)):
        assert chosen.run(event)["state"].startswith("throttled by Yahoo until 2026-11-20T15:31:")
        assert chosen.metrics == {"CollectorRuns": 1, "CollectorThrottledRuns": 1}
    assert (world.asked, world.now) == (asked, begun)


def test_after_a_back_off_one_symbol_tries_before_all_go_on(world: World) -> None:
    world.answers = {"AAPL": throttle, "MSFT": throttle}
    container(world).run()
    asked = world.asked.total()
    world.advance(90)
    again = container(world)
    again.run({})
    assert world.asked.total() == asked + 1
    assert world.memory["refusals"] == 2
    world.answers = {}
    world.advance(180)
    assert again.run({})["state"] == "live"
    assert again.metrics["CollectorTicks"] > 2
    assert world.memory["refusals"] == 0


def test_the_throttled_state_reaches_health(world: World) -> None:
    world.answers = {"AAPL": throttle, "MSFT": throttle}
    container(world).run()
    (told,) = Producers(world.aws.dynamodb, "symbols").statuses()
    assert told.command == "collector"
    assert told.source == "yfinance"
    assert told.state.startswith("throttled by Yahoo until 2026-11-20T15:31:")
    assert told.problem == "Yahoo answers 429: too many requests"


def test_a_symbol_that_fails_keeps_the_others(world: World) -> None:
    def fail(_symbol: str) -> WireTick:
        raise ConnectionError("reset")

    world.answers["AAPL"] = fail
    assert container(world).run()["ticks"] == 4
    assert len(world.times("MSFT")) == 4


def test_lines_that_the_sink_did_not_take_go_first_in_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "DRAIN_SECONDS", 0.0)
    away = SinkUnavailable("stream ticks: away")
    world.sink._failures = [away] * 100_000
    world.on_poll = lambda: world.advance(60)
    warm = container(world)
    assert warm.run()["ticks"] == 0
    assert any(message.endswith("lines wait for the next run") for message in warm.said("problem"))
    world.sink._failures = []
    world.on_poll = lambda: None
    monkeypatch.setattr(engine, "DRAIN_SECONDS", PATIENCE_SECONDS)
    next_minute(world)
    warm.run()
    times = assert_sent_once_in_order(world, "AAPL")
    assert times[0] == "2026-11-20T15:30:00.000000Z"
    assert times[-1] >= "2026-11-20T15:32:40.000000Z"


def test_a_sink_that_takes_nothing_fails_the_run_and_frees_the_lease(world: World) -> None:
    world.sink._failures = [SinkRefused("stream ticks: there is none of that name")]
    failing = container(world)
    with pytest.raises(SinkRefused, match="there is none of that name"):
        failing.run()
    assert failing.said("problem") == ["stream ticks: there is none of that name"]
    assert not container(world).run({})["busy"]


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        ("GetItem", "the collector's lease: ProvisionedThroughputExceededException"),
        ("Query", "the tracked symbols cannot be read"),
    ],
)
def test_a_table_that_does_not_answer_fails_the_run_by_name(
    world: World, operation: str, what: str
) -> None:
    def around(called: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if called == operation:
            raise aws_error(called, "ProvisionedThroughputExceededException", 400)
        return perform()

    world.aws.around = around
    failing = container(world)
    with pytest.raises(StoreError, match=what):
        failing.run()
    world.aws.around = lambda _operation, _request, perform: perform()
    next_minute(world)
    assert failing.run()["ticks"] > 0


def test_a_failing_write_of_the_memory_is_reported_and_prices_continue(world: World) -> None:
    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if request.get("Item", {}).get("symbol") == {"S": "memory"}:
            raise aws_error(operation, "ThrottlingException", 400)
        return perform()

    world.aws.around = around
    told = container(world)
    assert told.run()["ticks"] == 8
    assert (
        "the collector's memory cannot be written: ThrottlingException" in told.said("problem")[0]
    )


def test_history_is_fetched_again_after_minutes_without_any_run(world: World) -> None:
    warm = container(world)
    warm.run()
    world.advance(1200)
    warm.run({})
    assert world.histories == {"AAPL": 4, "MSFT": 4}


def test_history_that_failed_is_asked_for_again_by_a_cold_start(world: World) -> None:
    fetch = world.bars

    def fail(symbol: str, period: str, bar: str) -> list[WireTick]:
        if symbol == "AAPL":
            raise ConnectionError("reset")
        return fetch(symbol, period, bar)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yahoo, "bars", fail)
        container(world).run()
    assert world.histories == {"MSFT": 2}
    next_minute(world)
    container(world).run()
    assert world.histories == {"AAPL": 2, "MSFT": 2}


def test_history_that_was_not_delivered_is_fetched_again_by_a_cold_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "DRAIN_SECONDS", 0.0)
    world.sink._failures = [SinkUnavailable("stream ticks: away")] * 100_000
    world.on_poll = lambda: world.advance(60)
    container(world).run()
    assert world.histories == {"AAPL": 2, "MSFT": 2}
    world.sink._failures = []
    monkeypatch.setattr(engine, "DRAIN_SECONDS", PATIENCE_SECONDS)
    next_minute(world)
    container(world).run()
    assert world.histories == {"AAPL": 4, "MSFT": 4}
    assert world.memory["with_history"] == ["AAPL", "MSFT"]


def test_history_that_a_runs_end_cut_off_goes_on_in_the_next_run(world: World) -> None:
    world.track(*(f"S{number:02}" for number in range(40)))
    warm = container(world)
    fetch = world.bars

    def slow(symbol: str, period: str, bar: str) -> list[WireTick]:
        world.advance(2)
        return fetch(symbol, period, bar)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yahoo, "bars", slow)
        for _ in range(4):
            warm.run()
            next_minute(world)
    assert len(world.histories) == 42
    assert min(world.histories.values()) == 2
    assert world.histories.total() <= 2 * 42 + 4 * 8  # a run's end cuts off eight at most


def test_minutes_of_trading_without_a_tick_are_counted_from_the_fifth_on(world: World) -> None:
    trade = world.trade("AAPL")
    world.answers = {
        name: lambda symbol: msgspec.structs.replace(trade, symbol=symbol)
        for name in ("AAPL", "MSFT")
    }
    warm = container(world)
    warm.run()
    assert "CollectorSilentRuns" not in warm.metrics
    counts = []
    for _ in range(7):
        next_minute(world)
        warm.run()
        counts.append(warm.metrics.get("CollectorSilentRuns", 0))
    assert counts == [0, 0, 0, 0, 1, 1, 1]
    assert warm.metrics == {"CollectorRuns": 1, "CollectorSilentRuns": 1}


@pytest.mark.parametrize(("interval", "trades_every"), [(300, 10), (15, 180)])
def test_runs_between_ticks_that_are_minutes_apart_are_not_silent(
    world: World, interval: int, trades_every: int
) -> None:
    def answer(symbol: str) -> WireTick:
        traded = int(world.now.timestamp()) // trades_every * trades_every
        at = to_text(datetime.fromtimestamp(traded, UTC))
        trade, volume = world.trade(symbol), Decimal(traded)
        return msgspec.structs.replace(trade, timestamp=at, price=Decimal(100), volume=volume)

    world.answers = {"AAPL": answer, "MSFT": answer}
    warm = container(world, COLLECTOR_INTERVAL=str(interval))
    ticks = []
    for _ in range(15):
        ticks.append(warm.run()["ticks"])
        assert "CollectorSilentRuns" not in warm.metrics
        next_minute(world)
    assert 0 in ticks


def test_metrics_are_in_the_embedded_format_with_the_stage_as_dimension(world: World) -> None:
    made = container(world)
    made.run()
    (line,) = [line for line in made.lines if line.get("event") == "metrics"]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Ticktape"
    assert directive["Dimensions"] == [["stage"]]
    assert {metric["Name"] for metric in directive["Metrics"]} == set(made.metrics)
    assert (line["stage"], line["CollectorRuns"], line["CollectorTicks"]) == ("test", 1, 8)


def test_symbols_of_the_environment_are_followed_beside_the_tracked_ones(world: World) -> None:
    assert container(world, COLLECTOR_SYMBOLS="BTC-USD").run()["symbols"] == 3
    assert world.times("BTC-USD")


def test_without_symbols_in_the_environment_the_sources_own_are_followed(world: World) -> None:
    assert container(world, COLLECTOR_SYMBOLS="").run()["symbols"] == 25


def test_a_timeout_that_leaves_no_time_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="allowed: a timeout of 20 s or more"):
        container(world).run(timeout=3)


def test_a_stopped_process_ends_its_run_and_begins_no_other(world: World) -> None:
    made = container(world)
    world.on_poll = made.stop
    made.run()
    assert world.asked == {"AAPL": 1, "MSFT": 1}
    assert made.run({})["late"]
    assert not container(world).run({})["busy"]


@pytest.mark.parametrize("is_warm", [False, True])
def test_a_run_that_does_not_learn_what_is_followed_forgets_nothing(
    world: World, is_warm: bool
) -> None:
    failing = container(world)
    if is_warm:
        failing.run()
        next_minute(world)
    world.track("TSLA")
    other = container(world)
    other.run()
    next_minute(world)
    before = world.memory

    def around(operation: str, _request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if operation == "Query":
            raise aws_error(operation, "ProvisionedThroughputExceededException", 400)
        return perform()

    world.aws.around = around
    if is_warm:
        failing.run()
    else:
        with pytest.raises(StoreError, match="tracked symbols"):
            failing.run()
    world.aws.around = lambda _operation, _request, perform: perform()
    assert world.memory["latest"].keys() == {"AAPL", "MSFT", "TSLA"}
    assert world.memory["with_history"] == before["with_history"] == ["AAPL", "MSFT", "TSLA"]
    next_minute(world)
    other.run()
    assert world.histories == {"AAPL": 2, "MSFT": 2, "TSLA": 2}
    assert_sent_once_in_order(world, "AAPL")


@pytest.mark.parametrize("how", ["fails at its memory", "fails at its symbols", "is killed"])
def test_a_gap_is_not_forgotten_by_a_run_that_did_not_fetch_history(world: World, how: str) -> None:
    warm, hurt = container(world), container(world)
    warm.run()
    world.advance(1800)
    operation = "GetItem" if how == "fails at its memory" else "Query"

    def around(called: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if called == operation and request.get("Key", {}).get("symbol") != {"S": "lease"}:
            if how == "is killed":
                hurt.kill()
            raise aws_error(called, "ThrottlingException", 400)
        return perform()

    world.aws.around = around
    with pytest.raises((StoreError, Killed)):
        hurt.run()
    world.aws.around = lambda _operation, _request, perform: perform()
    world.advance(90)
    warm.run({})
    assert world.histories == {"AAPL": 4, "MSFT": 4}
    next_minute(world)
    warm.run()
    assert world.histories == {"AAPL": 4, "MSFT": 4}


def test_the_lease_records_a_gap_that_the_memory_could_not(world: World) -> None:
    warm = container(world)
    warm.run()
    world.advance(1800)

    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if request.get("Item", {}).get("symbol") == {"S": "memory"}:
            raise aws_error(operation, "ThrottlingException", 400)
        return perform()

    world.aws.around = around
    world.sink._failures = [SinkRefused("stream ticks: gone")]
    with pytest.raises(SinkRefused):
        warm.run({})
    world.aws.around = lambda _operation, _request, perform: perform()
    before = world.histories["AAPL"]
    next_minute(world)
    container(world).run()
    assert world.histories["AAPL"] == before + 2


def away(_symbol: str) -> WireTick:
    raise ConnectionError("reset")


@pytest.mark.parametrize("why", ["throttled", "away"])
@pytest.mark.parametrize("is_warm", [False, True])
def test_history_is_fetched_again_once_yahoo_answers_after_ten_minutes_without_an_answer(
    world: World, why: str, is_warm: bool
) -> None:
    warm = container(world)

    def run() -> None:
        (warm if is_warm else container(world)).run()
        next_minute(world)

    run()
    answer = throttle if why == "throttled" else away
    world.answers = {"AAPL": answer, "MSFT": answer}
    for _ in range(40):
        run()
    assert world.histories == {"AAPL": 2, "MSFT": 2}
    world.answers = {}
    for _ in range(20):
        run()
    assert world.histories == {"AAPL": 4, "MSFT": 4}


def test_a_short_refusal_does_not_fetch_history_again(world: World) -> None:
    world.answers = {"AAPL": throttle}
    warm = container(world)
    for minute in range(20):
        world.answers = world.answers if minute < 2 else {}
        warm.run()
        next_minute(world)
    assert world.histories == {"AAPL": 2, "MSFT": 2}


def test_one_symbol_without_prices_does_not_have_history_fetched_again(world: World) -> None:
    world.answers = {"MSFT": away}
    warm = container(world)
    for _ in range(25):
        warm.run()
        next_minute(world)
    assert world.histories == {"AAPL": 2, "MSFT": 2}


def test_history_interrupted_before_a_gap_restarts_after_it(world: World) -> None:
    world.track(*(f"S{number:02}" for number in range(40)))
    warm, fetch = container(world), world.bars

    def slow(symbol: str, period: str, bar: str) -> list[WireTick]:
        world.advance(2)
        return fetch(symbol, period, bar)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yahoo, "bars", slow)
        warm.run()
    assert 0 < len(world.histories) < 42
    world.histories.clear()
    world.advance(1800)
    warm.run({})
    assert set(world.histories.values()) == {2}
    assert len(world.histories) == 42


@pytest.mark.parametrize("is_open", [True, False])
def test_a_symbol_that_is_tracked_again_has_its_history_and_first_price_again(
    world: World, is_open: bool
) -> None:
    world.now = world.now if is_open else CLOSED
    trade = world.trade("MSFT")
    world.answers["MSFT"] = lambda _symbol: msgspec.structs.replace(trade)  # its last one
    warm = container(world)
    warm.run()
    next_minute(world)
    key = {"list": {"S": "tracked"}, "symbol": {"S": "MSFT"}}
    world.aws.dynamodb.delete_item(TableName="symbols", Key=key)
    warm.run()
    next_minute(world)
    assert (world.histories["MSFT"], len(world.times("MSFT"))) == (2, 1)
    world.track("MSFT")
    for _ in range(2):
        warm.run()
        next_minute(world)
    assert (world.histories["MSFT"], len(world.times("MSFT"))) == (4, 2)
    assert world.histories["AAPL"] == 2


@pytest.mark.parametrize("is_warm", [True, False])
def test_a_first_quote_that_failed_while_closed_is_asked_for_again(
    world: World, is_warm: bool
) -> None:
    world.now = CLOSED
    warm = container(world)
    warm.run()
    next_minute(world)
    world.track("TSLA")
    world.answers["TSLA"] = away
    warm.run()
    next_minute(world)
    assert (world.asked["TSLA"], world.times("TSLA")) == (1, [])
    assert "TSLA" not in world.memory["answered"]
    world.answers = {}
    for _ in range(3):
        (warm if is_warm else container(world)).run()
        next_minute(world)
    assert (world.asked["TSLA"], len(world.times("TSLA"))) == (2, 1)
    assert world.histories["TSLA"] == 2
    assert world.asked["AAPL"] == 1


def test_a_first_quote_that_goes_on_failing_is_asked_for_ever_less_often(world: World) -> None:
    world.now = CLOSED
    world.answers["MSFT"] = away
    warm = container(world)
    for _ in range(180):
        warm.run()
        next_minute(world)
    assert 6 <= world.asked["MSFT"] <= 9
    assert world.asked["AAPL"] == 1


@pytest.mark.parametrize("what", ["the sink", "the memory"])
def test_a_request_that_is_under_way_at_a_runs_end_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(engine, "DRAIN_SECONDS", 0.05)
    monkeypatch.setattr(engine, "SETTLING_SECONDS", PATIENCE_SECONDS)
    begun, given_up, given_back = threading.Event(), threading.Event(), threading.Event()
    order: list[str] = []
    abort, send = Sender.abort, world.sink.send

    def aborting(sender: Sender) -> None:
        begun.wait(PATIENCE_SECONDS)
        given_up.set()
        abort(sender)

    def under_way() -> None:
        if not order:
            begun.set()
            given_up.wait(PATIENCE_SECONDS)
            given_back.wait(1)  # which it does not come to while the request is under way
            order.append("arrived")

    def sending(records: Sequence[Record]) -> Sequence[str | None]:
        if what == "the sink" and not records[0].lines[0].is_bar:
            under_way()
        return send(records)

    def around(_operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        item = request.get("Item", {})
        if item.get("symbol") == {"S": "lease"} and given_up.is_set():
            order.append("given back")
            given_back.set()
        if what == "the memory" and '"AAPL":' in item.get("memory", {}).get("S", ""):
            under_way()
        return perform()

    monkeypatch.setattr(Sender, "abort", aborting)
    monkeypatch.setattr(world.sink, "send", sending)
    world.aws.around = around
    world.on_poll = lambda: world.advance(60)
    warm = container(world)
    warm.run()
    assert order == ["arrived", "given back"]
    world.on_poll = lambda: None
    next_minute(world)
    monkeypatch.setattr(engine, "DRAIN_SECONDS", PATIENCE_SECONDS)
    warm.run()
    assert_sent_once_in_order(world, "AAPL")


def test_a_run_whose_request_never_ends_leaves_its_lease_to_run_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "DRAIN_SECONDS", 0.0)
    monkeypatch.setattr(engine, "SETTLING_SECONDS", 0.0)
    sent, release = threading.Event(), threading.Event()
    abort, send = Sender.abort, world.sink.send

    def aborting(sender: Sender) -> None:
        sent.wait(PATIENCE_SECONDS)
        abort(sender)

    def sending(records: Sequence[Record]) -> Sequence[str | None]:
        sent.set()
        release.wait(PATIENCE_SECONDS)
        return send(records)

    monkeypatch.setattr(Sender, "abort", aborting)
    monkeypatch.setattr(world.sink, "send", sending)
    world.on_poll = lambda: world.advance(60)
    stuck = container(world)
    begun = world.now
    stuck.run()
    release.set()
    assert world.item("lease")["until"]["S"] == to_text(begun + timedelta(seconds=57 + 18))
    assert "the lease runs out by itself" in " ".join(stuck.said("problem"))


def test_a_memory_is_written_after_somebody_has_deleted_the_lease(world: World) -> None:
    warm = container(world)
    for _ in range(3):
        warm.run()
        next_minute(world)
    world.aws.tables["symbols"].remove(("collector", "lease"))
    container(world).run()
    assert world.memory["latest"]["AAPL"] == world.times("AAPL")[-1]
