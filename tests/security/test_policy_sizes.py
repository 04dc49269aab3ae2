"""IAM's limits for a role's policy, and the policies of a stage with the longest name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.deploy_support.life import FUNCTIONS, RESOURCES

STAGE = "s" * 16
"""The longest that `infra/variables.tf` allows."""

ACCOUNT, REGION = "123456789012", "ap-northeast-1"
NAMED = f"ticktape-{STAGE}"
STREAM_LABEL = "2026-11-22T00:00:00.000"
KINDS = {
    "athena": "athena:{region}:{account}:workgroup/{named}",
    "bucket": "s3:::{named}-{key}-{account}",
    "glue": "glue:{region}:{account}:table/{named}/{key}",
    "key": "kms:{region}:{account}:key/00000000-0000-0000-0000-000000000000",
    "push": "appsync:{region}:{account}:apis/00000000000000000000000000/channelNamespace/ticktape",
    "queue": "sqs:{region}:{account}:{named}-{key}",
    "stream": "kinesis:{region}:{account}:stream/{named}-{key}",
    "table": "dynamodb:{region}:{account}:table/{named}-{key}",
    "table-stream": "dynamodb:{region}:{account}:table/{named}-{key}/stream/{label}",
    "topic": "sns:{region}:{account}:{named}-{key}",
}
POLLING = [f"dynamodb:{'A' * 20}"] * 5
"""Actions as long as Lambda needs them to poll."""


def arn(named: str) -> str:
    """Return the longest ARN of a resource in `permissions` of resources.json."""
    kind, key, *rest = named.split("/")
    found = KINDS[kind].format(
        region=REGION, account=ACCOUNT, named=NAMED, key=key, label=STREAM_LABEL
    )
    return "/".join((f"arn:aws:{found}", *rest))


def statement(actions: Any, resource: str) -> dict[str, Any]:
    """Return a statement as Terraform writes it."""
    return {"Action": actions, "Effect": "Allow", "Resource": resource}


def policy_of(function: str) -> dict[str, Any]:
    """The inline policy of a function's role, as `infra/roles.tf` puts it together."""
    found = FUNCTIONS[function]
    statements = [statement(does, arn(named)) for named, does in found["permissions"].items()]
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{NAMED}-{function}:*"
    statements.append(statement(["logs:CreateLogStream", "logs:PutLogEvents"], group))
    traces = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    statements.append(statement(traces, "*"))
    if trigger := found.get("trigger"):
        failures = arn("bucket/failures")
        statements.append(statement(POLLING, arn(trigger)))
        statements.append(statement("dynamodb:ListStreams", "*"))
        statements.append(statement("s3:PutObject", f"{failures}/aws/lambda/*"))
        statements.append(statement("s3:ListBucket", failures))
    return {"Version": "2012-10-17", "Statement": statements}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_roles_inline_policy_fits_whatever_the_stages_name(function: str) -> None:
    size = len(json.dumps(policy_of(function), separators=(",", ":")))
    assert size < 10_240, size


def test_roles_are_far_fewer_than_an_account_takes() -> None:
    """1,000 by default: one a function, the producer's, the collector's and its container's."""
    assert len(FUNCTIONS) + 3 <= 20


def test_every_kind_of_permission_has_an_arn_here() -> None:
    holders = [*FUNCTIONS.values(), RESOURCES["producer"], RESOURCES["collector"]]
    named = {name.split("/")[0] for holder in holders for name in holder["permissions"]}
    assert named <= set(KINDS)
