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
from chalicelib.services.notify import PARALLEL_SENDS, Notifier
from tests.factories import (
    NEVER,
    at,
    instant,
    make_alert,
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
        notifier = Notifier(self.stores.alerts, self.stores.publisher, "", clock)
        options = Options(2, 4, Decimal(5), quiet_after_seconds=900)
        self.detect = Detect(self.stores, notifier, FakeRulesInForce(lambda: rules), options, clock)

    def another_container(self) -> System:
        """Over the same stores, with nothing kept."""
        return System(stores=self.stores)

    def store(self, *ticks: Tick) -> None:
        self.stores.prices.write([make_priced([tick]) for tick in ticks], NEVER)

    def look(self, newest: float, complete_from: float = 0, symbol: str = "AAPL") -> Detected:
        return self.detect([make_trigger(newest, complete_from, symbol)], "me")

    def bars(self, interval: str = "1m") -> list[Bar]:
        return list(self.stores.bars.bars("AAPL", interval, None, None, limit=1000).rows)

    def alerts(self) -> list[tuple[str, str]]:
        page = self.stores.alerts.by_symbol("AAPL", None, None, limit=1000)
        return [(stored.alert.timestamp, stored.alert.condition) for stored in page.rows]

    def sent(self) -> list[str]:
        return [message.attributes["alert_id"] for message in self.stores.publisher.sent]


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
    assert len(set(system.sent())) == len(system.sent()) == len(expected)


def test_a_redelivery_adds_nothing(system: System) -> None:
    system.store(*make_ticks(PRICES, step=30))
    triggers = [make_trigger(30 * n, 30 * n, number=n) for n in range(len(PRICES))]
    system.detect(triggers, "me")
    state, bars, sent = system.stores.state.get("AAPL"), system.bars(), system.sent()
    system.detect(triggers, "another")
    assert system.bars() == bars
    assert system.sent() == sent
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
    done = system.detect([make_trigger(1, 0, s, n) for n, s in enumerate(["BAD", "AAPL"])], "me")
    assert done.failed == ("change-0",)
    assert system.stores.state.get("AAPL").last_timestamp == at(1)


def test_pending_alerts_of_a_dead_invocation_are_delivered_by_the_next(system: System) -> None:
    working = system.stores.publisher.send

    def broken(message: object) -> None:
        raise OSError("no topic")

    system.stores.publisher.send = broken
    system.store(make_tick(106, 0, previous_close=100))
    assert system.look(0).failed == ("change-0",)
    assert [alert.condition for alert in system.stores.state.get("AAPL").pending] == [
        "change_percent"
    ]
    system.stores.publisher.send = working
    assert system.look(0).failed == ()
    assert len(system.sent()) == 1


def test_a_symbol_that_is_not_begun_in_time_waits_until_its_record_comes_again(
    system: System,
) -> None:
    symbols = [*(f"S{n}" for n in range(PARALLEL_SYMBOLS)), "LATE"]
    for symbol in symbols:
        system.store(*make_ticks([1, 2], symbol=symbol))
    triggers = [make_trigger(1, 0, symbol, n) for n, symbol in enumerate(symbols)]
    done = system.detect(triggers, "me", deadline=0)
    assert (done.failed, done.ticks) == ((f"change-{PARALLEL_SYMBOLS}",), 2 * PARALLEL_SYMBOLS)
    assert system.stores.state.get("LATE") is None
    assert system.look(1, symbol="LATE").ticks == 2


class Refusing:
    """A topic that refuses messages until it is mended."""

    def __init__(self, system: System) -> None:
        self.asked = 0
        self._publisher = system.stores.publisher
        self._working = self._publisher.send
        self._publisher.send = self

    def __call__(self, message: object) -> None:
        self.asked += 1
        raise OSError("no topic")

    def mend(self) -> None:
        self._publisher.send = self._working


@pytest.fixture
def always() -> System:
    """Each tick makes an alert."""
    return System([make_rule("every_record", value=None, symbol="*")])


def test_bars_and_alerts_go_on_while_the_topic_refuses_messages(always: System) -> None:
    topic = Refusing(always)
    for minute in range(5):
        always.store(make_tick(5, 60 * minute))
        done = always.look(60 * minute, 60 * minute)
        assert done.failed == ("change-0",), "its own alert is left"
    assert [bar.start for bar in always.bars()] == [at(60 * minute) for minute in range(4)]
    assert [stamp for stamp, _ in always.alerts()] == [at(60 * minute) for minute in range(5)]
    assert topic.asked == 1 + 1 + 2 + 3 + 4, (
        "a new one is not tried where an earlier one was refused"
    )
    topic.mend()
    assert always.look(240, 240).failed == ()
    assert len(always.sent()) == 5


def test_a_topic_that_does_not_answer_costs_its_time_out_once_for_all_symbols(
    always: System,
) -> None:
    topic = Refusing(always)
    answers = topic.__call__

    def slow(message: object) -> None:
        always.seconds += 13
        answers(message)

    always.stores.publisher.send = slow
    symbols = [f"S{n}" for n in range(60)]
    for symbol in symbols:
        always.store(make_tick(5, 0, symbol=symbol), make_tick(5, 70, symbol=symbol))
    triggers = [make_trigger(70, 0, symbol, n) for n, symbol in enumerate(symbols)]
    done = always.detect(triggers, "me")
    assert topic.asked <= PARALLEL_SYMBOLS * PARALLEL_SENDS
    assert len(done.failed) == len(symbols), "their alerts are left"
    assert all(always.stores.state.get(symbol).last_timestamp == at(70) for symbol in symbols)
    assert sum(key[0] in symbols for key in always.stores.alerts.stored) == 2 * len(symbols)


def test_a_record_comes_again_until_its_own_alerts_are_delivered_and_not_for_others(
    system: System,
) -> None:
    topic = Refusing(system)
    system.store(make_tick(106, 0, previous_close=100), make_tick(106, 70, previous_close=100))
    assert system.look(0).failed == ("change-0",)
    another = system.another_container()
    assert another.look(0).failed == ("change-0",)
    for looks in (system, another):
        assert looks.look(70, 70).failed == (), "the alert is of an earlier record"
        assert looks.look(70, 0).failed == ("change-0",), "both records in one batch"
    assert len(system.stores.state.get("AAPL").pending) == 1
    topic.mend()
    system.store(make_tick(106, 80, previous_close=100))
    assert another.look(80, 80).failed == ()
    assert len(system.sent()) == 1
    system.store(make_tick(106, 81, previous_close=100))
    assert another.look(81, 81).failed == ()
    assert system.stores.state.get("AAPL").pending == ()
    assert system.look(81, 0).failed == ()
    assert len(system.sent()) == 1


def test_an_alert_that_waits_is_gone_with_its_forgotten_symbol(system: System) -> None:
    Refusing(system)
    system.store(make_tick(106, 0, previous_close=100))
    assert system.look(0).failed == ("change-0",)
    for store in (system.stores.state.states, system.stores.prices.series):
        store.clear()
    system.stores.alerts.stored.clear()
    assert system.look(0).failed == ()
    assert system.alerts() == []


def test_alerts_that_wait_cost_each_tick_a_few_calls(always: System) -> None:
    topic = Refusing(always)
    always.store(*make_ticks([5] * 90))
    assert always.look(89).failed == ("change-0",)
    topic.asked = 0
    settled = counted(always.stores.alerts, "is_settled")
    always.store(make_tick(5, 90))
    assert always.look(90, 90).failed == ("change-0",)
    assert topic.asked == len(settled) == PARALLEL_SENDS
    assert len(always.alerts()) == 91
    topic.mend()
    assert always.look(90, 90).failed == ()
    assert len(always.sent()) == 91


def test_a_symbol_waits_where_a_hundred_alerts_are_left(always: System) -> None:
    topic = Refusing(always)
    always.store(*make_ticks([5] * 250))
    assert always.look(249).failed == ("change-0",)
    state = always.stores.state.get("AAPL")
    assert (len(state.pending), state.last_timestamp) == (100, at(99))
    assert topic.asked <= 2 * PARALLEL_SENDS
    assert always.look(249).failed == ("change-0",)
    assert always.stores.state.get("AAPL") == state
    assert len(always.alerts()) == 100
    topic.mend()
    assert always.look(249).failed == ()
    assert len(always.sent()) == len(always.alerts()) == 250


def test_delivered_alerts_leave_the_state_with_its_next_write(system: System) -> None:
    system.store(make_tick(106, 0, previous_close=100))
    system.look(0)
    system.store(make_tick(106, 1, previous_close=100))
    system.look(1, 1)
    assert system.stores.state.get("AAPL").pending == ()
    assert len(system.sent()) == 1


def test_alerts_that_were_delivered_cost_another_container_one_look(system: System) -> None:
    asked: list[str] = []

    def noted(name: str) -> Any:
        method = getattr(system.stores.alerts, name)

        def call(*given: Any) -> Any:
            asked.append(name)
            return method(*given)

        return call

    for name in ("claim", "is_settled"):
        setattr(system.stores.alerts, name, noted(name))
    system.store(make_tick(106, 0, previous_close=100))
    system.look(0)
    system.store(make_tick(106, 1, previous_close=100))
    system.another_container().look(1, 1)
    system.store(make_tick(106, 2, previous_close=100))
    system.look(2, 2)
    assert asked == ["claim", "is_settled"]


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
    assert len(system.sent()) == 1


def counted(store: Any, name: str) -> list[Any]:
    """Return the later calls of a store's method."""
    asked: list[Any] = []
    method = getattr(store, name)

    def call(given: Any) -> Any:
        asked.append(given)
        return method(given)

    setattr(store, name, call)
    return asked


def test_an_alert_that_another_is_sending_makes_the_record_come_again(system: System) -> None:
    rule = next(rule for rule in DEFAULTS if rule.condition == "change_percent")
    alert = make_alert(0, rule.rule_id)
    system.stores.alerts.claim(alert, "another", at(90), at(110))
    system.store(make_tick(106, 0, previous_close=100))
    assert system.look(0).failed == ("change-0",)
    assert system.sent() == []


def test_the_loser_of_a_race_for_the_state_restarts_and_sends_nothing_twice(
    system: System,
) -> None:
    system.store(*make_ticks(PRICES))
    put = system.stores.state.put
    rivals = iter([10, 15])

    def raced(state: Any) -> bool:
        newest = next(rivals, None)
        if newest is not None:
            system.detect([make_trigger(newest, newest)], "the rival")
        return bool(put(state))

    system.stores.state.put = raced
    assert system.look(23).failed == ()
    expected = [(at(cross.position), cross.kind) for cross in crosses(PRICES, 2, 4)]
    assert system.alerts() == expected
    assert len(system.sent()) == len(expected)


def test_a_long_run_of_ticks_is_folded_in_steps_without_giving_up() -> None:
    system = System([make_rule("every_record", value=None)])
    system.store(*make_ticks([1] * 1500, step=0.1))
    done = system.look(149.9)
    assert (done.ticks, done.failed) == (1500, ())
    assert len(system.sent()) == 1500


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
    assert len(system.sent()) == sent
    assert len(system.alerts()) == 1


def test_triggers_of_a_symbol_are_processed_together(system: System) -> None:
    system.store(*make_ticks([1, 2, 3]))
    done = system.detect([make_trigger(n, n, number=n) for n in (2, 0, 1)], "me")
    assert (done.symbols, done.ticks) == (1, 3)
    assert system.stores.state.get("AAPL").version == 1


def test_nothing_to_look_at_is_nothing(system: System) -> None:
    assert system.detect([], "me") == Detected(0, 0, 0, 0, 0, ())


def test_a_trigger_for_expired_ticks_is_not_a_failure(system: System) -> None:
    done = system.detect([ChangedPrices("change-0", "AAPL", at(5), at(5), at(5))], "me")
    assert (done.ticks, done.failed) == (0, ())
