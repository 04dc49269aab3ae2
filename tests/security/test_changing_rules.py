"""Rules that change faster than detection can judge them hold it up for a bounded time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.events import changed_prices, from_kinesis
from chalicelib.bootstrap import Services
from chalicelib.domain.rules import Rule
from chalicelib.services.detect.detect import Detect, Options
from chalicelib.services.rules.rule_book import RuleBook
from rigs.invocations import kinesis_event
from rigs.memory_aws.dynamodb import Perform, directly
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import (
    NEVER,
    at,
    instant,
    make_priced,
    make_rule,
    make_ticks,
    make_trigger,
    payload,
    wire,
)
from tests.fakes import fake_stores

MOST_LOOKS = 3


class Changing:
    """RulesInForce of which one is another one at each look."""

    def __init__(self) -> None:
        self.looks = 0
        self._values = count(1_000)

    def __call__(self) -> Sequence[Rule]:
        return [make_rule("every_record", symbol="*", rule_id="loud")]

    def now(self, symbol: str) -> Sequence[Rule]:
        self.looks += 1
        if self.looks > 50:  # the test ends where detection would not
            raise AssertionError("it looks at the rules again and again")
        value = next(self._values)
        return [*self(), make_rule("greater_than", symbol="*", rule_id="changes", value=value)]


def test_a_rule_that_changes_at_each_look_does_not_keep_a_first_alert_waiting() -> None:
    stores: Any = fake_stores()
    rules = Changing()
    clock = lambda: instant(10)  # noqa: E731
    detect = Detect(stores, rules, Options(2, 4, Decimal(5), quiet_after_seconds=900), clock)
    stores.prices.write([make_priced([tick]) for tick in make_ticks([1, 2, 3])], NEVER)
    assert detect([make_trigger(2, 0, "AAPL")]).failed == ()
    assert rules.looks <= MOST_LOOKS
    assert stores.state.get("AAPL").last_timestamp == at(2)
    fired = [row.alert.rule_id for row in stores.alerts.by_symbol("AAPL", None, None, limit=9).rows]
    assert fired == ["loud"] * 3


@pytest.mark.parametrize("symbol", ["*", "AAPL"])
def test_a_default_rule_that_is_replaced_has_the_rules_of_others_read_once(
    symbol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = Aws()
    services = Services(SETTINGS, lambda: instant(0), aws)
    queries: Counter[str] = Counter()

    def around(operation: str, request: dict[str, Any], perform: Perform) -> Any:
        queries[request.get("TableName", "")] += operation == "Query"
        return directly(operation, request, perform)

    def arrive(number: int) -> None:
        tick = wire(100, number, symbol="MSFT")
        seen = len(aws.stream)
        services.ingest(from_kinesis(kinesis_event([payload(tick)], number, number)), NEVER)
        services.detect(changed_prices({"Records": aws.stream[seen:]}))

    arrive(0)
    rule = {"symbol": symbol, "condition": "change_percent", "value": 50}
    RuleBook(services.stores.rules, services.defaults).replace("default-change-percent", rule)
    monkeypatch.setattr(bootstrap, "RULES_KEPT_SECONDS", -1)
    arrive(1)
    monkeypatch.setattr(bootstrap, "RULES_KEPT_SECONDS", 1_000)
    aws.around = around
    for number in range(2, 20):
        arrive(number)
    assert queries["rules"] <= 3
