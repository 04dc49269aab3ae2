"""Programs in which the machine found the product wrong, as short as it made them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.model.lab import Fault
from tests.model.machine import Machine
from tests.model.markets import T
from tests.model.templates import WHENS

BEGINNING: dict[str, Any] = {
    "day": 0,
    "containers": 1,
    "page_items": 1000,
    "rules": [],
    "mode": "replay",
    "way": "kinesis",
    "history": False,
}
NEW_YORK, LONDON, TOKYO, BERLIN, CURRENCY = 0, 1, 3, 4, 5


@contextmanager
def program(market: int = NEW_YORK, **given: Any) -> Iterator[Machine]:
    """A machine to take steps with; its findings say what has come of them."""
    state = Machine()
    with state.stack:
        state.begin(**{**BEGINNING, "markets": [market], **given})
        yield state


def test_late_tick_before_the_close_is_in_the_day_after_a_tick_behind_the_close() -> None:
    with program() as state:
        state.poll(container=0, tick=T("open", 1))
        state.poll(container=0, tick=T(400.5, 2))
        state.poll(container=0, tick=T("after", -3))
        state.send_late(who=0, back=1, tick=T(7, 6), ahead=30)
        assert state.findings() == []


def test_reader_gets_both_running_hours_where_the_regular_one_begins_later() -> None:
    with program() as state:
        state.poll(container=0, tick=T("evening", 0))
        state.poll(container=0, tick=T(1900.0, 0, "POST"))
        state.poll(container=0, tick=T(0.1, 1, "REGULAR"))
        assert state.findings() == []


def test_hours_that_touch_of_both_kinds_are_two_bars() -> None:
    with program(CURRENCY) as state:
        state.trade(containers=1, faults=[], ticks=[T(400.5, 0), T("close", 0), T(61, 0)], who=0)
        assert state.findings() == []


def test_deleted_rule_that_fires_once_does_not_fire_again_where_it_is_still_known() -> None:
    with program(containers=2, rules=["above"]) as state:
        state.trade(containers=2, faults=[], ticks=[T(0.1, 0), T(0.1, 3)], who=0)
        state.remove_rule(name="above")
        state.restart(container=0)
        state.poll(container=0, tick=T(0.1, 0))
        state.poll(container=1, tick=T(0.1, 3))
        assert state.findings() == []


def test_alerts_of_a_process_that_died_before_recording_them_are_recorded() -> None:
    with program(rules=["each"]) as state:
        faults = [Fault("alerts", "die before", 0)]
        state.trade(who=0, ticks=[T(61, 0), T(61, 0)], containers=1, faults=faults)
        assert state.findings() == []


def test_alert_whose_sender_died_is_sent_after_its_claim_has_ended() -> None:
    with program(rules=["each"]) as state:
        refused, dies = Fault("Publish", "refuse", 0), Fault("Publish", "die before", 0)
        state.trade(who=0, ticks=[T(61, 0)], containers=1, faults=[refused])
        state.wait(seconds=10)
        state.deliver(container=0, faults=[dies])
        state.deliver(container=0, faults=[])
        assert state.findings() == []


def test_alert_whose_mark_was_not_answered_is_not_sent_again() -> None:
    with program(rules=["each"]) as state:
        faults = [Fault("alerts", "lose answer", 2)]
        state.trade(who=0, ticks=[T(61, 0), T(61, 0)], containers=1, faults=faults)
        assert state.findings() == []


def test_process_that_dies_after_publishing_sends_again_and_nothing_else() -> None:
    with program(containers=2, rules=["cross"]) as state:
        faults = [Fault("Publish", "die after", 0), Fault("state", "die after", 1)]
        state.trade(who=0, ticks=[T(61, -1), T(61, 1), T(61, -2)], containers=2, faults=faults)
        assert state.findings() == []


def test_alert_is_sent_though_the_topic_refuses_it_twice_and_ticks_go_on() -> None:
    with program(containers=2, rules=["above"]) as state:
        state.trade(containers=2, faults=[], ticks=[T(0.1, 0)], who=0)
        for turn, tick in enumerate([T(0.1, 3), T(61, 3)]):
            state.send(junk=False, ticks=[tick], who=0)
            state.deliver(container=turn, faults=[Fault("Publish", "refuse", 0)])
            state.restart(container=turn)
        assert state.findings() == []


def test_bar_closes_once_in_a_batch_that_goes_on_behind_the_close() -> None:
    with program() as state:
        state.trade(who=0, ticks=[T(200, 0)], containers=1, faults=[])
        state.overnight(name="averages", levels=[6, -6, 0, 0, -3, 0, 1], containers=0)
        assert state.findings() == []


def test_new_rule_that_fires_once_does_so_beside_a_container_that_does_not_know_it() -> None:
    with program(containers=2) as state:
        state.trade(who=0, ticks=[T(61, 0), T(61, 0)], containers=2, faults=[])
        state.put_rule(name="above", version=0)
        state.restart(container=0)
        state.trade(who=0, ticks=[T(61, 3), T(61, 0), T(61, 3)], containers=2, faults=[])
        assert state.findings() == []


def test_change_fires_again_in_the_next_session() -> None:
    with program(rules=["change"]) as state:
        state.trade(who=0, ticks=[T(200, 6), T("open", 6)], containers=1, faults=[])
        assert state.findings() == []


def test_rule_that_begins_on_averages_sees_a_cross_at_its_first_bar() -> None:
    with program() as state:
        state.trade(
            who=0, ticks=[T(200 - 61 * (n > 0), 3 - n) for n in range(4)], containers=1, faults=[]
        )
        state.put_rule(name="averages", version=0)
        state.wait(31)
        state.trade(who=0, ticks=[T(61, 0), T(61, 0)], containers=1, faults=[])
        assert state.findings() == []


def test_rule_that_begins_on_the_longest_averages_sees_a_cross_at_its_first_price() -> None:
    with program(rules=["golden"]) as state:
        falling = [T(200, 3), T(61, 2), T(61, 1), T(61, 0), T(61, -1), T(61, -2), T(61, -3)]
        state.trade(who=0, ticks=falling, containers=1, faults=[])
        state.put_rule(name="golden", version=1)
        state.pause(31)
        state.trade(who=0, ticks=[T(61, 9)], containers=1, faults=[])
        assert state.findings() == []


def test_hour_that_goes_on_after_ticks_of_the_other_kind_forgets_what_moved_away() -> None:
    with program() as state:
        pre = T(400.5, 0, "PRE")
        state.late_between(container=0, first=pre, late=T(0.1, 1, "PRE"), second=T(61, 0), who=0)
        state.correct(back=3, packed=False, tick=T(0.1, 0), who=0)
        assert state.findings() == []
        state.poll(container=0, tick=T(400.5, 2))
        assert state.findings() == []


def test_packed_record_that_comes_again_wins_over_a_correction_in_between() -> None:
    with program() as state:
        state.send(who=0, ticks=[T(7, 1), T(0.1, 2)], junk=False)
        state.correct(who=0, back=2, tick=T(0.1, -3), packed=False)
        state.repeat(stream=0, back=2)
        assert state.findings() == []


def test_kind_changes_in_an_hour_that_a_container_believes_to_be_running() -> None:
    with program(containers=2, markets=[0, 1]) as state:
        state.overnight(containers=0, levels=[0] * 7, name="averages")
        state.late_between(container=0, first=T(0.1, 0), late=T(0.1, 0), second=T("pre", 0), who=1)
        state.trade(containers=1, faults=[], ticks=[T("pre", 0), T("pre", 0), T("next", 0)], who=1)
        state.late_between(container=1, first=T(0.1, 0), late=T(0.1, 0), second=T(3700, 0), who=0)
        state.correct(back=5, packed=False, tick=T(0.1, 0, "PRE", 0), who=0)
        assert state.findings() == []


def test_kind_changes_in_an_old_hour_that_a_container_believes_to_be_running() -> None:
    with program(containers=2, markets=[0, 2], day=2) as state:
        state.overnight(containers=0, levels=[0] * 7, name="averages")
        state.late_between(container=1, first=T(0.1, 0), late=T(0.1, 0), second=T(3700, 0), who=0)
        state.correct(back=5, packed=False, tick=T(0.1, 0, "PRE", 0), who=0)
        assert state.findings() == []


def test_a_new_rule_is_not_judged_at_an_earlier_bar() -> None:
    with program() as state:
        state.send(junk=False, ticks=[T(400.5, 1)], who=0)
        state.poll(container=0, tick=T("pre", 0))
        state.overnight(containers=0, levels=[0] * 7, name="hour")
        assert state.findings() == []


def test_bar_of_a_tick_that_changed_its_kind_while_its_invocation_had_died_is_gone() -> None:
    with program() as state:
        state.send(junk=False, ticks=[T(0.1, 0), T(400.5, 0), T(61, 0)], who=0)
        state.deliver(container=0, faults=[Fault("bars", "die before", 1)])
        state.correct(back=2, packed=False, tick=T(0.1, 0, "PRE", 0), who=0)
        assert state.findings() == []


def test_a_rule_that_was_deleted_is_not_begun_again_by_a_container_that_knows_it() -> None:
    with program(containers=2, rules=["above"]) as state:
        state.trade(containers=2, faults=[], ticks=[T(0.1, 0), T(0.1, 3)], who=0)
        state.remove_rule(name="above")
        state.restart(container=0)
        state.poll(container=0, tick=T(0.1, 0))
        state.poll(container=1, tick=T(0.1, 0))
        state.poll(container=1, tick=T(0.1, 3))
        assert state.findings() == []


def test_bar_of_a_dead_invocation_is_gone_where_its_tick_changed_beside_a_new_one() -> None:
    with program() as state:
        state.overnight(containers=0, levels=[0] * 7, name="averages")
        state.send(junk=False, ticks=[T(61, 0), T(61, 0)], who=0)
        state.deliver(container=0, faults=[Fault("state", "die before", 0)])
        state.correct(back=2, packed=False, tick=T(0.1, 0, "PRE", 0), who=0)
        state.send(junk=False, ticks=[T(0.1, 0)], who=0)
        assert state.findings() == []


@pytest.mark.parametrize("who_corrects", [0, 1])
def test_a_part_of_the_first_packed_record_loses_nothing_of_it(who_corrects: int) -> None:
    with program(containers=2) as state:
        for container in (0, 1):
            state.poll(container=container, tick=T(7, 0))
        state.send(junk=False, ticks=[T(7, 1), T(0.1, 2)], who=0)
        state.deliver(container=1, faults=[])
        state.correct(back=1, packed=False, tick=T(0.1, 3), who=0)
        state.deliver(container=who_corrects, faults=[])
        assert state.findings() == []


def test_a_rule_on_bars_that_begins_at_equal_averages_looks_back_for_their_side() -> None:
    with program(LONDON) as state:
        state.overnight(containers=0, levels=[0, 0, 0, 3, -3, 0, 0], name="minute")
        state.overnight(containers=0, levels=[0] * 7, name="averages")
        assert state.findings() == []


def test_a_rule_that_is_off_in_one_container_does_not_fire_again_in_another() -> None:
    with program(containers=2, rules=["below"]) as state:
        state.poll(container=1, tick=T(7, 0))
        state.switch_off(name="below")
        for container in (0, 1):
            state.poll(container=container, tick=T(61, -2))
        assert state.findings() == []


def test_windows_of_rules_on_bars_hold_no_extended_bar() -> None:
    with program() as state:
        state.overnight(containers=1, levels=[0, 0, 0, 0, -1, 0, 0], name="averages")
        assert state.findings() == []


def test_alert_that_two_containers_have_at_one_time_is_sent_by_one() -> None:
    with program(containers=2, page_items=3) as state:
        state.trade(
            containers=1,
            faults=[Fault("alerts", "meanwhile", 0)],
            ticks=[T(0.1, 0), T(0.1, 0), T(0.1, 0), T(0.1, -1), T(0.1, 2)],
            who=0,
        )
        assert state.findings() == []


def test_conditions_fire_as_the_slow_interpreter_says_in_two_containers() -> None:
    with program(containers=2, history=True, rules=sorted(WHENS)) as state:
        for levels in ((0, 3, -2, 4, 4, -3), (1, -4, 0, 2, -1, 3)):
            ticks = [T("open", 0), *(T(61, level) for level in levels), T(400.5, 2), T("after", 1)]
            state.trade(who=0, ticks=ticks, containers=2, faults=[])
        state.trade(who=0, ticks=[T("open", -3), T(61, 3)], containers=1, faults=[])
        assert state.findings() == []
        alerts = state.api.stores.alerts.by_symbol("AAPL", None, None, limit=1000).rows
        assert len({row.alert.rule_id for row in alerts}) > 14
