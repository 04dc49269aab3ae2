"""What a review broke of rebuild where something happens while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.factories import at, make_rule
from tests.unit.test_repair_faults import OPEN, Containers, tick


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


def fire_once(system: Containers, by: int) -> None:
    """Put a rule that fires once, learn it in one container, and let it fire there."""
    rule = make_rule("crossing_up", rule_id="r", value=100, trigger="once")
    system.all[0].stores.rules.put(rule)
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
