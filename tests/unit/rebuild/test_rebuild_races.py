"""A review's faults of rebuild with concurrent events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chalicelib.adapters.prices import Prices
from chalicelib.domain.bars import Bar
from chalicelib.services.rebuild import rebuild
from tests.factories import at, make_rule
from tests.stored_rules import store_rule
from tests.unit.bars.test_repair_faults import NEXT, OPEN, Containers, tick


def meanwhile(system: Containers, call: str, happens: Callable[[], None]) -> Callable[[], bool]:
    """Let something happen once: after the first call if it is a Query, else before it."""
    left = [happens]

    def around(operation: str, request: dict[str, Any], perform: Any) -> Any:
        if not left or f"{operation} {request.get('TableName')}" != call:
            return perform()
        event = left.pop()
        answer = perform() if operation == "Query" else None
        event()
        return answer or perform()

    system.aws.around = around
    return lambda: not left


def alerts(system: Containers) -> list[str]:
    """The instants of the rule r's."""
    rows = system.all[0].stores.alerts.by_symbol("AAPL", None, None, limit=9).rows
    return [row.alert.timestamp for row in rows if row.alert.rule_id == "r"]


def unrevised(system: Containers, interval: str) -> list[Bar]:
    """Bars without the number of their corrections."""
    return [msgspec.structs.replace(bar, revision=0) for bar in system.bars(interval)]


def fire_once(system: Containers, by: int) -> None:
    """Put a rule that fires once, learn it in one container, and let it fire there."""
    rule = make_rule("crossing_up", rule_id="r", value=100, trigger="once")
    store_rule(system.all[0].stores.rules, rule)
    system.all[by] = system.restarted()
    system.send(tick(OPEN + 70, 99), by=by)
    system.send(tick(OPEN + 80, 101), by=by)


def test_rebuild_keeps_what_a_rule_remembers_that_its_container_does_not_know_yet() -> None:
    system = Containers(2)
    system.send(tick(OPEN + 60, 90))
    system.all[1].rebuild("AAPL")
    fire_once(system, by=0)
    system.all[1].rebuild("AAPL")
    system.send(tick(OPEN + 90, 99), tick(OPEN + 100, 101))
    assert alerts(system) == [at(OPEN + 80)]


def test_rebuild_keeps_what_a_rule_remembers_that_begins_while_it_runs() -> None:
    system = Containers(2)
    system.send(tick(OPEN + 60, 90))
    happened = meanwhile(system, "Query prices", lambda: fire_once(system, by=1))
    system.all[0].rebuild("AAPL")
    assert happened()
    system.send(tick(OPEN + 90, 99), tick(OPEN + 100, 101), by=1)
    assert alerts(system) == [at(OPEN + 80)]


@pytest.mark.parametrize("call", ["Query prices", "Query bars", "PutItem state"])
@pytest.mark.parametrize("cut", [1, 1000], ids=["pages of 1", "one page"])
def test_rebuild_undoes_no_repair_of_detect_that_runs_beside_it(
    call: str, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "STEP", cut)
    system, other = Containers(2), Containers(2)
    for one in (system, other):
        one.clock = OPEN + 5000
        one.send(tick(OPEN + 60, 100), tick(OPEN + 120, 101), tick(OPEN + 180, 102))

    def corrected(one: Containers) -> None:
        one.send(tick(OPEN + 60, 150), tick(OPEN + 90, 140), tick(OPEN + 180, 103), by=1)

    happened = meanwhile(system, call, lambda: corrected(system))
    system.all[0].rebuild("AAPL")
    assert happened()
    corrected(other)
    for one in (system, other):
        one.all = [one.restarted()]
        one.send(tick(NEXT, 103))
    for interval in ("1m", "1h", "1d"):
        assert unrevised(system, interval) == unrevised(other, interval)


def test_rebuild_goes_on_where_detect_only_adds_new_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    system = Containers(2)
    system.send(tick(OPEN + 60, 100), tick(OPEN + 120, 101))
    reads: list[str | None] = []
    find = Prices.ticks

    def noted(store: Prices, symbol: str, start: str | None, end: str | None, **more: Any) -> Any:
        reads.append(start)
        return find(store, symbol, start, end, **more)

    happened = meanwhile(system, "PutItem state", lambda: system.send(tick(OPEN + 180, 102), by=1))
    monkeypatch.setattr(Prices, "ticks", noted)
    assert system.all[0].rebuild("AAPL").ticks == 3
    assert happened()
    assert reads.count(None) == 1
