"""A topic that fails or hangs does not delay bars at all: detect has no part in sending."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from rigs.memory_aws.dynamodb import Perform, directly
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import NEVER, instant, kinesis_event, make_rule, payload, wire
from tests.stored_rules import store_rule


def test_bars_and_alerts_go_on_whatever_the_topic_does() -> None:
    aws, asked = Aws(), []

    def hanging(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if operation in ("Publish", "SendMessage"):
            asked.append(operation)
            raise AssertionError("detect asked the topic")
        return directly(operation, request, perform)

    services = Services(SETTINGS, lambda: instant(100_000), aws)
    store_rule(services.stores.rules, make_rule("every_record", value=None, symbol="*"))
    aws.around = hanging
    for minute in range(150):
        tick = wire(100, 60 * minute, mode="replay")
        batch = events.from_kinesis(kinesis_event([payload(tick)], minute, 60 * minute))
        services.ingest(batch, NEVER)
        changes = events.changed_prices({"Records": aws.stream[-1:]})
        assert services.detect(changes).failed == ()
    bars = services.stores.bars.bars("AAPL", "1m", None, None, limit=1000).rows
    alerts = services.stores.alerts.by_symbol("AAPL", None, None, limit=1000).rows
    assert (len(bars), len(alerts), asked) == (149, 150, [])
