"""What alerts on channels cost, counted and priced."""

from __future__ import annotations

import pytest

from bench import channel_cost
from costs.pricing import total


def test_each_alert_is_claimed_and_marked_on_each_channel() -> None:
    counts = channel_cost.count(4)
    assert counts.messages == len(channel_cost.IDS)
    assert counts.calls == pytest.approx(2 * len(channel_cost.IDS))
    assert counts.write_units >= counts.calls


def test_a_picture_costs_one_more_call_and_what_drawing_takes() -> None:
    counts = channel_cost.count(4, pictures=True)
    assert counts.messages == len(channel_cost.IDS)
    assert counts.calls == pytest.approx(2 * len(channel_cost.IDS) + 1)
    assert counts.read_units > 1
    assert channel_cost.drawing_seconds(1) > 0


def test_a_held_alert_takes_four_writes_a_channel_and_no_message() -> None:
    counts = channel_cost.count(49, held=True)
    assert counts.messages == 0
    transactions_and_one_more_for_a_new_head = 3 * len(channel_cost.IDS) / 49
    assert counts.calls <= 2 * transactions_and_one_more_for_a_new_head
    assert counts.write_units == pytest.approx(4 * len(channel_cost.IDS), rel=0.05)


def test_a_timer_that_waits_for_a_day_costs_three_requests_each_quarter_of_an_hour() -> None:
    assert channel_cost.usd_timer_a_day() == pytest.approx(96 * 3 * 0.4e-6)


def test_writes_are_priced_by_their_units() -> None:
    counts = channel_cost.Counts(cpu=0, read_units=0, write_units=6, calls=6, messages=0)
    lines = {line.what: line.usd for line in channel_cost.lines(counts)}
    assert lines["writes"] == pytest.approx(3.75)
    assert total(channel_cost.lines(counts)) == pytest.approx(3.75, abs=0.01)
