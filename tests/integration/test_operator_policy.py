"""The AWS requests of the commands with `--stage`, against `infra/operator-policy.json`."""

from __future__ import annotations

import fnmatch
import json
import os
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from botocore.client import BaseClient

from chalicelib import settings
from chalicelib.adapters.clients import Clients
from chalicelib.bootstrap import Services
from local.cli import main as local
from rigs.emulated import Emulated
from tests.deploy_support.authorization import listed, problems
from tests.deploy_support.deployment import REGION, Deployment
from tests.deploy_support.emulated_aws import ROOT
from tests.deploy_support.owned_buckets import OwnedBuckets
from tests.deploy_support.recorded_calls import Call, calls_of
from tests.factories import NEVER, instant, make_alert, make_incoming, make_trigger, payload, wire

POLICY = json.loads((ROOT / "infra" / "operator-policy.json").read_text())
RIGHTS = [
    (action, arn)
    for statement in POLICY["Statement"]
    for action in listed(statement["Action"])
    for arn in listed(statement["Resource"])
]


@pytest.fixture
def deployment(emulated: Emulated, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(emulated, monkeypatch)


class Operator:
    """Runs the commands, and notes what they ask of AWS."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: set[Call] = set()
        self._patch = monkeypatch

    def run(self, *arguments: str) -> None:
        """A command, which has to end well."""
        send = BaseClient._make_api_call

        def noted(client: Any, operation: str, params: dict[str, Any]) -> Any:
            service = client.meta.service_model.service_name
            self.calls |= calls_of(arguments[0], service, operation, params, REGION)
            return send(client, operation, params)

        with self._patch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", noted)
            assert local([*arguments, "--stage", "dev"]) == 0


ANSWER = {"batchItemFailures": [], "busy": False, "days": [], "ticks": 0, "left": False}
"""The answer of every function."""


def give_up(deployment: Deployment) -> None:
    """Dead-letter a batch of each function that reads a stream, and a message of each queue."""
    deployment.fed_by_sqs()
    deployment.has_dead_deliveries()
    for handler in ("ingest_kinesis", "detect", "deliver"):
        deployment.give_up(f"{deployment.prefix}-{handler}")


def rebuild(operator: Operator, deployment: Deployment, tables: dict[str, str]) -> None:
    """Rebuild a symbol of whose minutes two were lost, one differs and one is of another kind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", {**os.environ, "AWS_DEFAULT_REGION": REGION})
        services = Services(settings.load(tables), lambda: instant(1000))
        records = [make_incoming(payload(wire(n + 1, 40 * n)), n, 500) for n in range(6)]
        assert services.ingest(records, NEVER).failed == frozenset()
        assert services.detect([make_trigger(200, 0)]).failed == ()
        bars, clients = services.stores.bars, Clients(REGION)
        found = bars.bars("AAPL", "1m", None, None, limit=10).rows
        for lost in (found[0], found[2]):
            key = {"series": {"S": lost.series}, "start": {"S": lost.key}}
            clients.dynamodb.delete_item(TableName=tables["BARS_TABLE"], Key=key)
        other = msgspec.structs.replace(found[1], high=found[1].high + 1, revision=1)
        assert bars.put(other, found[1].start)
        extended = msgspec.structs.replace(found[0], extended=True, ticks=1)
        assert bars.put(extended, found[0].start)
    deployment.applied(environment=tables)
    operator.run("rebuild", "AAPL")


def forget(operator: Operator, tables: dict[str, str]) -> None:
    """Forget the symbol, of which an alert is stored, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", {**os.environ, "AWS_DEFAULT_REGION": REGION})
        stores = Services(settings.load(tables), lambda: instant(1000)).stores
        stores.alerts.record_all([make_alert()], None)
        assert [line.symbol for line in stores.symbols.listed("seen")] == ["AAPL"]
    operator.run("forget", "--fewer-than", "1000", "--yes")
    assert stores.symbols.listed("seen") == []


def test_commands_of_operators_need_what_the_policy_allows_and_no_more(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = Operator(monkeypatch)
    give_up(deployment)
    tables = deployment.tables()
    rebuild(operator, deployment, tables)
    forget(operator, tables)
    deployment.applied()
    OwnedBuckets(monkeypatch, ANSWER)
    operator.run("redrive")
    operator.run("compact")
    assert refused(sorted(operator.calls)) == []
    used = {(call.action, arn) for call in operator.calls for arn in arns_for(call)}
    assert sorted(set(RIGHTS) - used) == []


def refused(calls: Sequence[Call]) -> list[Call]:
    """Calls that the policy does not allow."""
    return [call for call in calls if not arns_for(call)]


def arns_for(call: Call) -> list[str]:
    """Resources of the policy that allow a call."""
    return [
        arn
        for action, arn in RIGHTS
        if action == call.action and fnmatch.fnmatchcase(call.arn, arn)
    ]


def test_policy_says_what_iam_understands() -> None:
    assert problems(POLICY["Statement"]) == []
