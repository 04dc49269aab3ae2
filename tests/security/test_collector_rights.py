"""The collector's role lets it do to the table of symbols what it does, by lists, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy_support.life import RESOURCES
from tests.producer_support.collecting import (
    CLOSED,
    ENVIRONMENT,
    Client,
    Container,
    World,
    world_of,
)
from tests.security.test_policy_sizes import NAMED, arn, statement

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")

LISTS: dict[str, list[str]] = RESOURCES["collector"]["lists"]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world_of(monkeypatch) as made:
        made.track("AAPL")
        yield made


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Return the collectors' requests to the table: the action, and its list."""
    found: set[tuple[str, str]] = set()

    def noted(action: str, made: Any) -> Any:
        def call(client: Client, **request: Any) -> Any:
            found.add((action, _list_of(request)))
            return made(client, **request)

        return call

    calls = {"get_item": "GetItem", "put_item": "PutItem", "paginate": "Query"}
    for name, action in calls.items():
        monkeypatch.setattr(Client, name, noted(f"dynamodb:{action}", getattr(Client, name)))
    return found


def _list_of(request: dict[str, Any]) -> str:
    """DynamoDB's leading key."""
    keys = request.get("Item") or request.get("Key")
    if keys is None:
        (keys,) = [{"list": value} for value in request["ExpressionAttributeValues"].values()]
    return str(keys["list"]["S"])


def test_runs_need_each_right_on_its_list_and_no_other(
    world: World, done: set[tuple[str, str]]
) -> None:
    for _ in range(2):
        container = Container(world, ENVIRONMENT)
        container.run()
        world.now = CLOSED
        container.run()
    assert done == {(action, name) for name, actions in LISTS.items() for action in actions}


def test_collectors_inline_policy_fits_whatever_the_stages_name() -> None:
    """With conditions on lists as `infra/collector.tf` writes them."""
    named = RESOURCES["collector"]["permissions"]
    statements = [statement(does, arn(name)) for name, does in named.items()]
    for name, actions in LISTS.items():
        keys = {"dynamodb:LeadingKeys": name}
        conditions = {"ForAllValues:StringEquals": keys, "Null": {"dynamodb:LeadingKeys": "false"}}
        statements.append({**statement(actions, arn("table/symbols")), "Condition": conditions})
    group = f"arn:aws:logs:ap-northeast-1:123456789012:log-group:/aws/lambda/{NAMED}-collector:*"
    statements.append(statement(["logs:CreateLogStream", "logs:PutLogEvents"], group))
    statements.append(statement(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"))
    policy = {"Version": "2012-10-17", "Statement": statements}
    assert len(json.dumps(policy, separators=(",", ":"))) < 10_240
