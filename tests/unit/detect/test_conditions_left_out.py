"""Costly conditions for whose bars there is no time are left out; all others are judged."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from chalicelib.domain.errors import Contended
from chalicelib.services.bars import stored_rows
from chalicelib.services.bars.time_limits import TimeIsUp
from chalicelib.services.detect import turns
from chalicelib.services.detect.changed_prices import ChangedPrices
from chalicelib.services.detect.detect import Detected
from chalicelib.services.detect.patience import MOST_IN_A_ROW, PAUSE_SECONDS, Patience
from chalicelib.services.detect.turns import MOST_SECONDS, Turns
from chalicelib.services.detect.when_rules import WhenRules
from chalicelib.services.priced import PricedRecord
from tests.factories import NEVER
from tests.unit.domain.watched import ARRIVAL, Watched
from tests.unit.when.a_session import at, rule

OVER = 0.0
"""A deadline that has passed."""


def detected(watched: Watched, minute: float, price: int, deadline: float) -> Detected:
    tick = at(minute, price)
    watched.stores.prices.write([PricedRecord((tick,), ARRIVAL)], NEVER)
    change = ChangedPrices("1", "AAPL", tick.timestamp, tick.timestamp, ARRIVAL)
    (container,) = watched.taking_turns
    return container([change], deadline)


CHEAP = rule("close > 100 and close(1m) > 1", rule_id="cheap")
COSTLY = rule("close > 100 and (sma(400, 30m) > 0 or close(1m) > 1)", rule_id="costly")


def fired(watched: Watched) -> list[str]:
    return [alert.rule_id for alert in watched.fired()]


def test_costly_conditions_without_time_are_left_out_logged_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watched = Watched(COSTLY)
    watched.feed([at(0, 100), at(1, 100)])
    watched.containers(1)
    monkeypatch.setattr(stored_rows, "FREE_PAGES", 0)
    for number in range(MOST_IN_A_ROW):
        with caplog.at_level(logging.ERROR):
            done = detected(watched, 2 + number, 101, OVER)
        assert (done.failed, done.ticks, done.alerts, done.left_out) == ((), 1, 0, 1)
    assert caplog.text.count("its costly conditions are left out") == MOST_IN_A_ROW
    assert "its costly conditions are off for 600 s" in caplog.text
    read: list[Any] = []
    monkeypatch.setattr(watched.stores.bars, "history_mark", lambda symbol: read.append(symbol))
    assert detected(watched, 8, 101, NEVER).left_out == 1
    assert not read, "not tried again for some time"
    watched.containers(1)
    monkeypatch.undo()
    assert detected(watched, 9, 101, NEVER).alerts == 1


def test_cheap_rules_are_judged_while_costly_ones_of_the_symbol_are_left_out_and_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched(COSTLY, CHEAP)
    watched.feed([at(0, 100), at(1, 100)])
    watched.containers(1)
    monkeypatch.setattr(stored_rows, "FREE_PAGES", 0)
    for number in range(MOST_IN_A_ROW + 1):
        assert detected(watched, 2 + 2 * number, 101, OVER).left_out == 1
        assert detected(watched, 3 + 2 * number, 99, OVER).left_out == 1
        assert fired(watched) == ["cheap"] * (number + 1)


def waiting() -> tuple[Watched, WhenRules]:
    """Return one whose next bars have to be read in turn."""
    watched = Watched(COSTLY, CHEAP)
    watched.feed([at(0, 100), at(1, 100)])
    (container,) = watched.taking_turns
    assert container._when is not None
    container._when.forget("AAPL")
    return watched, container._when


def test_a_symbol_that_waits_for_others_until_the_deadline_comes_again() -> None:
    watched, rules = waiting()
    with rules._turns(NEVER):
        done = detected(watched, 2, 101, OVER)
    assert (done.failed, done.left_out) == (("1",), 0)
    assert detected(watched, 2, 101, NEVER).alerts == 2


def test_symbols_do_not_wait_for_others_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    watched, rules = waiting()
    monkeypatch.setattr(turns, "MOST_SECONDS", 0.0)
    with rules._turns(NEVER):
        done = detected(watched, 2, 101, OVER)
    assert (done.failed, done.left_out, fired(watched)) == ((), 1, ["cheap"])
    assert detected(watched, 3, 99, NEVER).left_out == 0
    detected(watched, 4, 101, NEVER)
    assert fired(watched) == ["cheap", "cheap", "costly"]


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def ends_late(each: Turns, deadline: float = 50.0) -> type[Exception]:
    """Return what is raised by a turn that is not done by the deadline."""
    with pytest.raises((Contended, TimeIsUp)) as raised, each(deadline):
        raise TimeIsUp
    return raised.type


def test_a_turn_that_begins_late_and_does_not_end_by_the_deadline_is_tried_again() -> None:
    clock = Seconds()
    each = Turns(clock)
    assert ends_late(each) is TimeIsUp, "it had all of the time"
    assert ends_late(each) is Contended, "it came after another one"
    each.begin()
    clock.now, end = clock.now + 30, clock.now + 50
    assert ends_late(each, end) is Contended, "it came late"
    each.begin()
    assert ends_late(each) is TimeIsUp
    clock.now += MOST_SECONDS
    assert ends_late(each) is TimeIsUp, "others have waited for long enough"
    for _ in range(2):
        each.begin()
    with each(NEVER):
        pass
    assert ends_late(each) is Contended, "nobody waited in the meantime"


def test_all_costly_rules_of_a_symbol_are_read_in_one_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else each would read some and lose them while it waits for the next turn."""
    watched = Watched(COSTLY, rule("sma(400, 30m) > 0", "1m", rule_id="other"), CHEAP)
    watched.feed([at(0, 100), at(1, 100)])
    watched.containers(1)
    begun: list[float] = []
    turn = Turns.__call__

    def counted(each: Turns, deadline: float) -> Any:
        begun.append(deadline)
        return turn(each, deadline)

    monkeypatch.setattr(Turns, "__call__", counted)
    detected(watched, 2, 101, NEVER)
    assert begun == [NEVER]


def test_a_symbol_is_tried_again_after_a_pause() -> None:
    now = [0.0]
    patience = Patience(lambda: now[0])
    for _ in range(MOST_IN_A_ROW):
        assert not patience.is_over("AAPL")
        patience.note_left("AAPL")
    assert patience.is_over("AAPL")
    assert not patience.is_over("MSFT")
    now[0] = PAUSE_SECONDS
    assert not patience.is_over("AAPL")
    patience.note_left("AAPL")
    assert patience.is_over("AAPL")
    now[0] = 2 * PAUSE_SECONDS
    patience.note_done("AAPL")
    assert patience.left_out() == ()
    patience.note_left("AAPL")
    assert not patience.is_over("AAPL")
    patience.note_done("AAPL")
    patience.note_waiting("AAPL")
    assert patience.left_out() == ("AAPL",)
    assert not patience.is_over("AAPL")
    patience.note_done("AAPL")
    assert patience.left_out() == ()
