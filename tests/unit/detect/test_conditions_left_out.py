"""Conditions for whose bars there is no time are left out; prices are processed."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from chalicelib.services.bars import stored_rows
from chalicelib.services.detect import when_rules
from chalicelib.services.detect.changed_prices import ChangedPrices
from chalicelib.services.detect.detect import Detected
from chalicelib.services.detect.patience import MOST_IN_A_ROW, PAUSE_SECONDS, Patience
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


def test_conditions_without_time_are_left_out_logged_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watched = Watched(rule("close > 100 and close(1m) > 1"))
    watched.feed([at(0, 100), at(1, 100)])
    watched.containers(1)
    monkeypatch.setattr(stored_rows, "FREE_PAGES", 0)
    for number in range(MOST_IN_A_ROW):
        with caplog.at_level(logging.ERROR):
            done = detected(watched, 2 + number, 101, OVER)
        assert (done.failed, done.ticks, done.alerts, done.left_out) == ((), 1, 0, 1)
    assert caplog.text.count("its conditions are left out") == MOST_IN_A_ROW
    assert "its conditions are off for 600 s" in caplog.text
    read: list[Any] = []
    monkeypatch.setattr(watched.stores.bars, "history_mark", lambda symbol: read.append(symbol))
    assert detected(watched, 8, 101, NEVER).left_out == 1
    assert not read, "not tried again for some time"
    watched.containers(1)
    monkeypatch.undo()
    assert detected(watched, 9, 101, NEVER).alerts == 1


def test_few_bars_are_always_read() -> None:
    watched = Watched(rule("close > 100 and close(1m) > 1"))
    watched.feed([at(0, 100), at(1, 100)])
    watched.containers(1)
    done = detected(watched, 2, 101, OVER)
    assert (done.failed, done.alerts, done.left_out) == ((), 1, 0)


def test_a_symbol_that_waits_for_others_until_the_deadline_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(when_rules, "FEW_BARS", 0)
    watched = Watched(rule("close > 100 and close(1m) > 1"))
    watched.feed([at(0, 100), at(1, 100)])
    (container,) = watched.taking_turns
    rules = container._when
    assert rules is not None
    rules.forget("AAPL")
    with rules._reading:
        done = detected(watched, 2, 101, OVER)
    assert (done.failed, done.left_out) == (("1",), 0)
    assert detected(watched, 2, 101, NEVER).alerts == 1


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
