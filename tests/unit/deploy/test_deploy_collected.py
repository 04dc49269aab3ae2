"""The smoke test's wait for a price that the collector brings."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.deploy import collected
from infra.deploy.errors import DeployError
from infra.deploy.stage import Stage
from infra.deploy.waiting import Clock
from tests.deploy_support.stages import make_stage

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")

SINCE = datetime(2026, 11, 23, 15, tzinfo=UTC)
BEFORE, AFTER = "2026-11-23T14:59:30.000000Z", "2026-11-23T15:00:40.000000Z"


class Tables:
    """A client of DynamoDB over items by table, which changes with each pause of the clock."""

    def __init__(self, *changes: tuple[str, dict[str, Any]]) -> None:
        self.items: dict[tuple[str, ...], dict[str, Any]] = {}
        self.seconds = 0.0
        self._changes = list(changes)
        self.clock = Clock(lambda: self.seconds, self._pause)

    def _pause(self, seconds: float) -> None:
        self.seconds += seconds
        if self._changes:
            self.put(*self._changes.pop(0))

    def put(self, table: str, item: dict[str, Any]) -> None:
        """Have an item."""
        key = "list" if "symbols" in table else "symbol"
        second = "symbol" if key == "list" else "timestamp"
        self.items[table, item[key]["S"], item[second]["S"]] = item

    def get_item(self, TableName: str, Key: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        found = self.items.get((TableName, *(value["S"] for value in Key.values())))
        return {"Item": found} if found else {}


def stage_of(tables: Tables, kind: str = "lambda") -> Stage:
    """A stage with a collector, over these tables."""
    stage = make_stage(collector={"kind": kind, "name": "ticktape-dev-collector"})
    stage._clients["dynamodb"] = tables
    return stage


def report(state: str, time: str, command: str = "collector") -> tuple[str, dict[str, Any]]:
    """Return the collector's report."""
    key = {"list": {"S": "producers"}, "symbol": {"S": command}}
    return "ticktape-dev-symbols", {**key, "state": {"S": state}, "time": {"S": time}}


def memory(**latest: str) -> tuple[str, dict[str, Any]]:
    """Return its memory: the last ticks sent."""
    key = {"list": {"S": "collector"}, "symbol": {"S": "memory"}}
    kept = {"source": "yfinance", "latest": latest}
    return "ticktape-dev-symbols", {**key, "memory": {"S": json.dumps(kept)}}


def price(symbol: str, time: str) -> tuple[str, dict[str, Any]]:
    """A stored tick."""
    return "prices_table", {"symbol": {"S": symbol}, "timestamp": {"S": time}}


def told(tables: Tables, kind: str = "lambda", at: datetime = SINCE) -> str:
    """Return the smoke test's output."""
    (line,) = collected.watch(stage_of(tables, kind), lambda: at).wait(tables.clock)
    return line


def test_price_that_was_stored_after_the_test_began_is_waited_for() -> None:
    tables = Tables(report("live", AFTER), memory(AAPL=AFTER), price("AAPL", AFTER))
    tables.put(*memory(AAPL=BEFORE))
    tables.put(*price("AAPL", BEFORE))
    tables.put(*report("live", BEFORE))
    assert told(tables) == "a collected price of AAPL was stored"
    assert tables.seconds == 6


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (
            "market closed until 2026-11-23T14:30:00.000000Z",
            "the markets of all its symbols are closed",
        ),
        ("no symbols are tracked", "until a symbol is tracked"),
        ("throttled by Yahoo until 2026-11-23T15:05:00Z", "refuses requests for a while"),
    ],
)
def test_no_price_is_waited_for_where_none_is_to_be_expected_and_that_is_said(
    state: str, why: str
) -> None:
    tables = Tables(report(state, AFTER))
    line = told(tables)
    assert line.startswith("did not wait for a collected price: ")
    assert why in line
    assert state in line
    assert tables.seconds == 2


def test_no_price_is_waited_for_just_after_a_close_when_the_last_ones_are_polled_for() -> None:
    closed = datetime(2026, 11, 23, 21, 5, tzinfo=UTC)
    tables = Tables(report("live", "2026-11-23T21:05:40.000000Z"))
    tables.put(*memory(AAPL="2026-11-23T21:00:00.000000Z"))
    line = told(tables, at=closed)
    assert (
        line
        == "did not wait for a collected price: the markets of all its symbols are closed (live)"
    )


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([], "the collector has not reported"),
        ([report("live", BEFORE)], "the collector has not reported"),
        ([report("no prices from Yahoo", AFTER)], "in state 'no prices from Yahoo'"),
        ([report("live", AFTER), memory(AAPL=AFTER)], "no collected price was stored"),
    ],
)
def test_collector_that_brings_nothing_fails_the_test(
    items: list[tuple[str, dict[str, Any]]], said: str
) -> None:
    tables = Tables(*items)
    with pytest.raises(DeployError, match=rf"{said}.*ticktape-dev-collector.*waited 420 s"):
        told(tables)


def test_container_has_to_report_that_it_is_live() -> None:
    connecting = report("reconnecting to Yahoo in 1.0 s", AFTER, "stream")
    tables = Tables(connecting, report("live", AFTER, "stream"))
    assert told(tables, "fargate") == "the collector reports: live"
    assert tables.seconds == 4


def test_stage_without_a_collector_says_that_it_did_not_wait() -> None:
    tables = Tables()
    assert told(tables, "none") == "the stage has no collector: did not wait for a collected price"
    assert tables.seconds == 0
