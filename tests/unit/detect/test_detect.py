from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.rules import Rule, default_rules
from chalicelib.domain.ticks import Tick
from chalicelib.services.detect.changed_prices import ChangedPrices
from chalicelib.services.detect.detect import PARALLEL_SYMBOLS, Detect, Detected, Options
from tests.factories import (
    NEVER,
    at,
    instant,
    make_bar,
    make_priced,
    make_rule,
    make_tick,
    make_ticks,
    make_trigger,
)
from tests.fakes import FakeRulesInForce, fake_stores
from tests.oracles.crosses import crosses

PRICES = [5, 5, 5, 5, 6, 7, 5, 3, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 1, 9, 9, 1, 1, 9]
DEFAULTS = default_rules(2, 4, Decimal(5), every_tick=True)


class System:
    """Detect on fakes."""

    def __init__(self, rules: Sequence[Rule] = DEFAULTS, stores: Any = None) -> None:
        self.stores: Any = stores or fake_stores()
        self.seconds = 100.0
        clock = lambda: instant(self.seconds)  # noqa: E731
        options = Options(2, 4, Decimal(5), quiet_after_seconds=900)
        self.detect = Detect(self.stores, FakeRulesInForce(lambda: rules), options, clock)

    def another_container(self) -> System:
        """Over the same stores, with nothing kept."""
        return System(stores=self.stores)

    def store(self, *ticks: Tick) -> None:
        self.stores.prices.write([make_priced([tick]) for tick in ticks], NEVER)

    def look(self, newest: float, complete_from: float = 0, symbol: str = "AAPL") -> Detected:
        return self.detect([make_trigger(newest, complete_from, symbol)])

    def bars(self, interval: str = "1m") -> list[Bar]:
        return list(self.stores.bars.bars("AAPL", interval, None, None, limit=1000).rows)

    def alerts(self) -> list[tuple[str, str]]:
        page = self.stores.alerts.by_symbol("AAPL", None, None, limit=1000)
        return [(stored.alert.timestamp, stored.alert.condition) for stored in page.rows]

    def to_send(self) -> list[str]:
        stored = self.stores.alerts.stored.values()
        return [one.alert.alert_id for one in stored if not one.alert.quiet]


@pytest.fixture
def system() -> System:
    return System()


def test_it_folds_what_the_table_holds_up_to_the_newest_complete_tick(system: System) -> None:
    system.store(*make_ticks([1, 2, 3, 4]))
    done = system.look(2)
    assert (done.ticks, done.failed) == (3, ())
    assert system.stores.state.get("AAPL").last_timestamp == at(2)


def test_a_cross_in_the_middle_of_a_batch_is_found(system: System) -> None:
    system.store(*make_ticks(PRICES))
    system.look(len(PRICES) - 1)
    expected = [(at(cross.position), cross.kind) for cross in crosses(PRICES, 2, 4)]
    assert system.alerts() == expected
    assert len(set(system.to_send())) == len(system.to_send()) == len(expected)


def test_a_redelivery_adds_nothing(system: System) -> None:
    system.store(*make_ticks(PRICES, step=30))
    triggers = [make_trigger(30 * n, 30 * n, number=n) for n in range(len(PRICES))]
    system.detect(triggers)
    state, bars, sent = system.stores.state.get("AAPL"), system.bars(), system.to_send()
    system.detect(triggers)
    assert system.bars() == bars
    assert system.to_send() == sent
    after = system.stores.state.get("AAPL")
    assert (after.last, after.minute, after.closes) == (state.last, state.minute, state.closes)


def test_the_order_of_stream_records_does_not_matter(system: System) -> None:
    system.store(*make_ticks(PRICES))
    for newest in (7, 3, 23, 11, 19):
        system.look(newest, newest)
    expected = [(at(cross.position), cross.kind) for cross in crosses(PRICES, 2, 4)]
    assert system.alerts() == expected


def test_a_late_tick_corrects_a_closed_bar_and_raises_its_revision(system: System) -> None:
    system.store(make_tick(5, 0), make_tick(6, 50), make_tick(7, 70))
    system.look(70)
    system.store(make_tick(9, 20))
    assert system.look(20, 20).late == 1
    (bar,) = system.bars()
    assert (bar.high, bar.ticks, bar.revision) == (9, 3, 1)


def test_a_late_tick_does_not_reopen_a_closed_bar(system: System) -> None:
    system.store(make_tick(5, 0), make_tick(7, 70))
    system.look(70)
    system.store(make_tick(9, 20))
    system.look(20, 20)
    assert [(bar.start, bar.closed) for bar in system.bars()] == [(at(0), True)]
    assert system.stores.state.get("AAPL").minute.start == at(60)


def test_a_late_tick_corrects_the_live_bars(system: System) -> None:
    system.store(make_tick(5, 0), make_tick(7, 30))
    system.look(30)
    system.store(make_tick(9, 20))
    system.look(20, 20)
    state = system.stores.state.get("AAPL")
    assert (state.minute.high, state.minute.close, state.minute.ticks) == (9, 7, 3)
    assert (state.day.high, state.day.ticks) == (9, 3)


def test_a_late_tick_does_not_enter_the_windows_of_signals(system: System) -> None:
    system.store(*make_ticks([5, 5, 5, 5, 5, 5], step=10))
    system.look(50)
    closes = system.stores.state.get("AAPL").closes
    system.store(make_tick(99, 45))
    system.look(45, 45)
    assert system.stores.state.get("AAPL").closes == closes
    assert system.alerts() == []


def test_a_late_tick_moves_volume_between_its_minute_and_the_next(system: System) -> None:
    system.store(*(make_tick(5, s, volume=v) for s, v in [(0, 100), (70, 160), (130, 200)]))
    system.look(130)
    assert [bar.volume for bar in system.bars()] == [0, 60]
    system.store(make_tick(5, 50, volume=140))
    system.look(50, 50)
    assert [(bar.volume, bar.revision) for bar in system.bars()] == [(40, 1), (20, 1)]


def test_a_slow_invocation_cannot_overwrite_a_corrected_bar(system: System) -> None:
    system.stores.bars.put(make_bar(0, 5, ticks=3, revision=1), at())
    assert not system.stores.bars.put(make_bar(0, 4, ticks=2), at())
    assert system.bars()[0].ticks == 3


def test_a_historical_bar_is_not_overwritten_by_one_made_from_ticks(system: System) -> None:
    system.stores.bars.write_history([make_bar(0, 5, ticks=0)], at(), NEVER)
    system.store(make_tick(7, 0), make_tick(7, 70))
    system.look(70)
    assert [(bar.close, bar.ticks) for bar in system.bars()] == [(5, 0)]


def test_a_finished_hour_is_folded_from_its_minutes(system: System) -> None:
    system.store(*(make_tick(n + 1, 600 * n) for n in range(8)))
    system.look(4200)
    (hour,) = system.bars("1h")
    # The session opened at 14:30, so an hour begins at 15:30.
    assert (hour.start, hour.open, hour.close, hour.ticks) == (at(0), 1, 6, 6)


def test_a_bar_that_cannot_be_put_keeps_the_state_from_being_written(system: System) -> None:
    system.store(*(make_tick(5, 60 * n) for n in range(4)))
    put = system.stores.bars.put

    def failing(bar: Bar, expires_from: str) -> Any:
        if bar.start == at(60):
            raise OSError("no such luck")
        return put(bar, expires_from)

    system.stores.bars.put = failing
    assert system.look(180).failed == ("change-0",)
    assert system.stores.state.get("AAPL") is None
    system.stores.bars.put = put
    assert system.look(180).failed == ()
    assert [bar.start for bar in system.bars()] == [at(60 * n) for n in range(3)]


def test_one_symbols_failure_does_not_touch_the_others(system: System) -> None:
    system.store(*make_ticks([1, 2]), *make_ticks([1, 2], symbol="BAD"))
    ticks = system.stores.prices.ticks

    def failing(symbol: str, *args: Any, **kwargs: Any) -> Any:
        if symbol == "BAD":
            raise OSError("no such luck")
        return ticks(symbol, *args, **kwargs)

    system.stores.prices.ticks = failing
    done = system.detect([make_trigger(1, 0, s, n) for n, s in enumerate(["BAD", "AAPL"])])
    assert done.failed == ("change-0",)
    assert system.stores.state.get("AAPL").last_timestamp == at(1)


def test_pending_alerts_of_a_dead_invocation_are_recorded_by_the_next(system: System) -> None:
    recording = system.stores.alerts.record_all

    def broken(alerts: Sequence[object], exchange_timezone: object) -> None:
        if alerts:
            raise OSError("the table cannot be reached")

    system.stores.alerts.record_all = broken
    system.store(make_tick(106, 0, previous_close=100))
    assert system.look(0).failed == ("change-0",)
    assert [alert.condition for alert in system.stores.state.get("AAPL").pending] == [
        "change_percent"
    ]
    system.stores.alerts.record_all = recording
    assert system.look(0).failed == ()
    assert len(system.to_send()) == 1


def test_a_symbol_that_is_not_begun_in_time_waits_until_its_record_comes_again(
    system: System,
) -> None:
    symbols = [*(f"S{n}" for n in range(PARALLEL_SYMBOLS)), "LATE"]
    for symbol in symbols:
        system.store(*make_ticks([1, 2], symbol=symbol))
    triggers = [make_trigger(1, 0, symbol, n) for n, symbol in enumerate(symbols)]
    done = system.detect(triggers, deadline=0)
    assert (done.failed, done.ticks) == ((f"change-{PARALLEL_SYMBOLS}",), 2 * PARALLEL_SYMBOLS)
    assert system.stores.state.get("LATE") is None
    assert system.look(1, symbol="LATE").ticks == 2


@pytest.fixture
def always() -> System:
    """Each tick makes an alert."""
    return System([make_rule("every_record", value=None, symbol="*")])


def test_a_run_of_many_alerts_is_recorded_a_hundred_at_a_time(always: System) -> None:
    given = counted(always.stores.alerts, "record_all")
    always.store(*make_ticks([5] * 250))
    assert always.look(249).failed == ()
    assert [len(alerts) for alerts in given if alerts] == [100, 100, 50]
    assert len(always.to_send()) == 250


def test_alerts_that_were_not_recorded_are_gone_with_their_forgotten_symbol(system: System) -> None:
    def broken(alerts: Sequence[object], exchange_timezone: object) -> None:
        if alerts:
            raise OSError("the table cannot be reached")

    system.stores.alerts.record_all = broken
    system.store(make_tick(106, 0, previous_close=100))
    assert system.look(0).failed == ("change-0",)
    for store in (system.stores.state.states, system.stores.prices.series):
        store.clear()
    assert system.look(0).failed == ()
    assert system.alerts() == []


def test_recorded_alerts_leave_the_state_with_its_next_write(system: System) -> None:
    system.store(make_tick(106, 0, previous_close=100))
    system.look(0)
    system.store(make_tick(106, 1, previous_close=100))
    system.look(1, 1)
    assert system.stores.state.get("AAPL").pending == ()
    assert len(system.to_send()) == 1


def test_alerts_that_were_recorded_cost_another_container_one_look(system: System) -> None:
    asked = counted(system.stores.alerts, "record_pending")
    system.store(make_tick(106, 0, previous_close=100))
    system.look(0)
    system.store(make_tick(106, 1, previous_close=100))
    system.another_container().look(1, 1)
    system.store(make_tick(106, 2, previous_close=100))
    system.look(2, 2)
    assert [len(alerts) for alerts in asked if alerts] == [1]


def test_a_state_is_read_once_by_the_container_that_writes_it(system: System) -> None:
    read = counted(system.stores.state, "get_many")
    for second in range(3):
        system.store(make_tick(100 + second, second))
        system.look(second, second)
    assert read == [["AAPL"]]


def test_a_kept_state_that_is_behind_is_read_again_and_tells_nothing_twice(
    system: System,
) -> None:
    other = system.another_container()
    for second, looks in ((0, system), (1, other), (2, system), (3, other)):
        system.store(make_tick(106 - second / 10, second, previous_close=100))
        looks.look(second, second)
    assert system.stores.state.get("AAPL").minute.ticks == 4
    assert len(system.to_send()) == 1


def counted(store: Any, name: str) -> list[Any]:
    """Return the later calls of a store's method."""
    asked: list[Any] = []
    method = getattr(store, name)

    def call(given: Any, *more: Any) -> Any:
        asked.append(given)
        return method(given, *more)

    setattr(store, name, call)
    return asked


def test_the_loser_of_a_race_for_the_state_restarts_and_sends_nothing_twice(
    system: System,
) -> None:
    system.store(*make_ticks(PRICES))
    put = system.stores.state.put
    rivals = iter([10, 15])

    def raced(state: Any) -> bool:
        newest = next(rivals, None)
        if newest is not None:
            system.detect([make_trigger(newest, newest)])
        return bool(put(state))

    system.stores.state.put = raced
    assert system.look(23).failed == ()
    expected = [(at(cross.position), cross.kind) for cross in crosses(PRICES, 2, 4)]
    assert system.alerts() == expected
    assert len(system.to_send()) == len(expected)


def test_a_long_run_of_ticks_is_folded_in_steps_without_giving_up() -> None:
    system = System([make_rule("every_record", value=None)])
    system.store(*make_ticks([1] * 1500, step=0.1))
    done = system.look(149.9)
    assert (done.ticks, done.failed) == (1500, ())
    assert len(system.to_send()) == 1500


@pytest.mark.parametrize(
    ("mode", "seconds", "sent"),
    [("live", 900, 1), ("live", 901, 0), ("replay", 99999, 1), ("backfill", 0, 0)],
)
def test_old_live_ticks_and_backfilled_ones_alert_nobody(
    system: System, mode: str, seconds: float, sent: int
) -> None:
    system.seconds = seconds
    system.store(make_tick(106, 0, previous_close=100, mode=mode))
    system.look(0)
    assert len(system.to_send()) == sent
    assert len(system.alerts()) == 1


def test_triggers_of_a_symbol_are_processed_together(system: System) -> None:
    system.store(*make_ticks([1, 2, 3]))
    done = system.detect([make_trigger(n, n, number=n) for n in (2, 0, 1)])
    assert (done.symbols, done.ticks) == (1, 3)
    assert system.stores.state.get("AAPL").version == 1


def test_nothing_to_look_at_is_nothing(system: System) -> None:
    assert system.detect([]) == Detected(0, 0, 0, 0, ())


def test_a_trigger_for_expired_ticks_is_not_a_failure(system: System) -> None:
    done = system.detect([ChangedPrices("change-0", "AAPL", at(5), at(5), at(5))])
    assert (done.ticks, done.failed) == (0, ())
