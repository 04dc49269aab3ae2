from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.channels import with_topic
from chalicelib.domain.detection import State
from chalicelib.services.health import (
    DELIVERIES_SECONDS,
    KEPT_SECONDS,
    LISTED_SECONDS,
    MOST_SAMPLED,
    SILENT_SECONDS,
    HealthCheck,
    spread,
)
from chalicelib.services.priced import PricedRecord
from chalicelib.services.symbol_stores import ProducerStatus, SymbolEntry
from chalicelib.services.symbols.silence import Silent
from tests.factories import NEVER, at, instant, make_alert, make_tick
from tests.fakes import fake_stores


def ask(stores: Any, *, is_closed: bool = False) -> Any:
    return check(stores, [100], is_closed=is_closed)("1")


def check(
    stores: Any, times: list[float], *, is_closed: bool = False, silent: Any = lambda: ()
) -> HealthCheck:
    """A check whose clock tells the last of `times`."""
    given = stores, lambda: instant(times[-1]), lambda: with_topic(()), silent
    return HealthCheck(*given, stage="test", is_closed=is_closed)


def status(command: str = "stream", seconds: float = 90, **fields: Any) -> ProducerStatus:
    told = {"source": "simulator", "state": "live", "time": at(seconds)}
    return ProducerStatus(command=command, **(told | fields))


def test_it_tells_the_age_of_the_newest_tick_of_all_symbols() -> None:
    stores: Any = fake_stores()
    for symbol, seconds in (("A", 0), ("B", 40)):
        stores.symbols.put("seen", SymbolEntry(symbol=symbol, added_at=at()))
        stores.state.put(State(symbol=symbol, last=make_tick(1, seconds, symbol=symbol)))
    found = ask(stores)
    assert (found.symbols, found.last_tick, found.last_tick_age_seconds) == (2, at(40), 60)


def test_it_tells_how_long_the_oldest_price_has_waited_for_detect() -> None:
    stores: Any = fake_stores()
    for symbol in ("A", "B", "C"):
        stores.symbols.put("seen", SymbolEntry(symbol=symbol, added_at=at()))
    for symbol, seconds, arrival in (("A", 0, 1), ("A", 40, 41), ("A", 50, 51), ("B", 45, 46)):
        tick = make_tick(1, seconds, symbol=symbol)
        stores.prices.write([PricedRecord((tick,), at(arrival))], NEVER)
    stores.state.put(State(symbol="A", last=make_tick(1, 0, symbol="A")))
    stores.state.put(State(symbol="B", last=make_tick(1, 45, symbol="B")))
    assert ask(stores).detect_lag_seconds == 100 - 41
    stores.state.put(State(symbol="A", version=1, last=make_tick(1, 50, symbol="A")))
    assert ask(stores).detect_lag_seconds == 0


def test_a_symbol_that_detect_has_not_begun_counts_from_its_first_price() -> None:
    stores: Any = fake_stores()
    stores.symbols.put("seen", SymbolEntry(symbol="A", added_at=at()))
    stores.prices.write([PricedRecord((make_tick(1, 3, symbol="A"),), at(5))], NEVER)
    assert ask(stores).detect_lag_seconds == 95


def test_it_tells_how_long_the_oldest_alert_has_waited_for_deliver_briefly_cached() -> None:
    stores, times = fake_stores(), [100.0]
    ask_again = check(stores, times)
    stores.alerts.record_all([make_alert(timestamp=at(30))], None)
    assert ask_again("1").deliver_lag_seconds == 70
    times.append(100 + DELIVERIES_SECONDS - 1)
    assert ask_again("1").deliver_lag_seconds == 70
    times.append(100 + DELIVERIES_SECONDS + 2)
    assert ask_again("1").deliver_lag_seconds == 82


def test_it_names_silent_symbols_where_reading_needs_no_token() -> None:
    silent = [Silent(f"S{number:02}", 60 - number) for number in range(40)]
    found = check(fake_stores(), [100], silent=lambda: silent)("1")
    assert (found.silent_symbols, list(found.silent)) == (40, [f"S{n:02}" for n in range(25)])
    closed = check(fake_stores(), [100], is_closed=True, silent=lambda: silent)("1")
    assert (closed.silent_symbols, closed.silent) == (40, [])


def test_silent_symbols_are_looked_for_once_a_minute() -> None:
    times, asked = [100.0], []

    def silent() -> list[Silent]:
        asked.append(times[-1])
        return []

    ask_again = check(fake_stores(), times, silent=silent)
    for later in (0, SILENT_SECONDS - KEPT_SECONDS, SILENT_SECONDS):
        times.append(100 + later)
        ask_again("1")
    assert asked == [100, 100 + SILENT_SECONDS]


def test_an_empty_system_is_healthy() -> None:
    found = ask(fake_stores())
    assert (found.status, found.symbols, found.last_tick, found.given_up) == ("ok", 0, None, 0)
    assert (found.detect_lag_seconds, found.deliver_lag_seconds) == (0, 0)


@pytest.mark.parametrize("batches", [0, 3, None])
def test_it_counts_dead_lettered_batches(batches: int | None) -> None:
    stores: Any = fake_stores()
    stores.failures.batches = batches
    assert ask(stores).given_up == batches


def test_without_a_producer_it_names_none() -> None:
    assert ask(fake_stores()).producer is None


def test_it_tells_what_the_producer_does_and_how_far_it_is() -> None:
    stores: Any = fake_stores()
    stores.producers.written = [status(state="sending history", progress=Decimal("0.4"))]
    found = ask(stores).producer
    assert (found.state, found.progress, found.age_seconds) == (
        "sending history",
        Decimal("0.4"),
        10,
    )


@pytest.mark.parametrize(
    ("statuses", "command"),
    [
        ([status("backfill", 95), status("stream", 90)], "backfill"),
        ([status("backfill", 95, state="ended"), status("stream", 70)], "stream"),
        ([status("backfill", 95, state="ended"), status("stream", 70, state="ended")], "backfill"),
    ],
)
def test_the_running_command_that_reported_last_is_shown(
    statuses: list[ProducerStatus], command: str
) -> None:
    stores: Any = fake_stores()
    stores.producers.written = statuses
    assert ask(stores).producer.command == command


@pytest.mark.parametrize("is_closed", [True, False])
def test_problems_are_shown_only_if_reading_is_open(is_closed: bool) -> None:
    stores: Any = fake_stores()
    stores.producers.written = [status(problem="AAPL: no price", dropped={"repeat": 3})]
    found = ask(stores, is_closed=is_closed).producer
    told = (found.problem, dict(found.dropped))
    assert told == ((None, {}) if is_closed else ("AAPL: no price", {"repeat": 3}))


def test_a_producer_whose_clock_runs_ahead_is_not_of_the_future() -> None:
    stores: Any = fake_stores()
    stores.producers.written = [status(seconds=200)]
    assert ask(stores).producer.age_seconds == 0


def test_a_report_from_the_future_does_not_hide_the_true_one() -> None:
    stores: Any = fake_stores()
    stores.producers.written = [status("replay", seconds=10**9), status("stream", 90)]
    assert ask(stores).producer.command == "stream"
    stores.producers.written = [status(seconds=10**9)]
    assert ask(stores).producer is None


class CountedStores:
    """Stores that count what is asked of them."""

    def __init__(self, stores: Any) -> None:
        self._stores = stores
        self.calls: Counter[str] = Counter()

    def __getattr__(self, store: str) -> Any:
        kept = getattr(self._stores, store)

        class Store:
            def __getattr__(_self, method: str) -> Any:  # noqa: N805 - the other self is outer
                def counted(*args: Any, **options: Any) -> Any:
                    self.calls[f"{store}.{method}"] += 1
                    return getattr(kept, method)(*args, **options)

                return counted

            def __call__(_self) -> Any:  # noqa: N805 - as above
                self.calls[store] += 1
                return kept()

        return Store()


def seen(count: int) -> Any:
    """Return stores with `count` symbols."""
    stores: Any = fake_stores()
    for number in range(count):
        stores.symbols.put("seen", SymbolEntry(symbol=f"S{number:04}", added_at=at()))
    return CountedStores(stores)


def test_an_answer_is_cached_briefly_and_then_read_again() -> None:
    stores, times = seen(3), [100.0]
    ask_again = check(stores, times)
    for _ in range(50):
        ask_again("1")
    once = dict(stores.calls)
    assert (
        sum(once.values()) == 8
    )  # the list, states, three symbols, alerts, given up, the producer
    times.append(101.9)
    ask_again("1")
    assert stores.calls == once
    times.append(102)
    ask_again("1")
    assert stores.calls["state.get_many"] == 2


def test_few_symbols_are_read_however_many_there_are() -> None:
    stores = seen(1000)
    assert ask(stores).symbols == 1000
    assert stores.calls["prices.arrival_after"] == MOST_SAMPLED


def test_a_long_list_of_symbols_and_dead_lettered_batches_are_cached_longer() -> None:
    stores, times = seen(101), [100.0]
    ask_again = check(stores, times)
    for seconds in range(0, LISTED_SECONDS, 3):
        times.append(100 + seconds)
        ask_again("1")
    assert (stores.calls["symbols.listed"], stores.calls["failures"]) == (1, 1)
    times.append(100 + LISTED_SECONDS)
    ask_again("1")
    assert (stores.calls["symbols.listed"], stores.calls["failures"]) == (2, 2)


def test_a_new_symbol_of_a_short_list_shows_with_the_next_look() -> None:
    stores, times = seen(1), [100.0]
    ask_again = check(stores, times)
    ask_again("1")
    stores.symbols.put("seen", SymbolEntry(symbol="NEW", added_at=at()))
    times.append(102)
    assert ask_again("1").symbols == 2


def test_the_symbols_read_are_spread_over_the_list() -> None:
    assert spread([], 3) == []
    assert spread(["a", "b"], 3) == ["a", "b"]
    assert spread(list("abcdefg"), 3) == ["a", "c", "e"]


def test_refused_writes_are_not_cached() -> None:
    stores: Any = fake_stores()
    listed, stores_check = stores.symbols.listed, check(stores, [100])
    stores.symbols.listed = None
    with pytest.raises(TypeError):
        stores_check("1")
    stores.symbols.listed = listed
    assert stores_check("1").status == "ok"
