"""Checks the IAM policies against the recorded requests."""

from __future__ import annotations

import fnmatch
import json

from tests.deploy_support.authorization import problems
from tests.deploy_support.emulated_aws import ROOT
from tests.deploy_support.life import FUNCTIONS, Life, listed, roles, statements
from tests.deploy_support.stage_life import BOUNDARY, STAGE

DEPLOYERS = (
    "deployer-policy",
    "deployer-functions-policy",
    "deployer-collector-policy",
    "deployer-push-policy",
)
"""The deployer's policies: several, since a managed policy has at most 6,144 characters."""


def no_policy_has_a_wildcard_that_iam_does_not_demand(life: Life) -> None:
    holders = (*FUNCTIONS, "producer", "collector")
    assert set(roles(life)) == {f"ticktape-{STAGE}-{key}" for key in holders}
    for role in roles(life):
        found = life.client("iam").get_role(RoleName=role)["Role"]
        assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    for role in roles(life):
        found = statements(life, role)
        assert problems([{"Action": does, "Resource": on} for does, on in found]) == []
        for actions, arns in found:
            assert not [action for action in actions if "*" in action]
            for arn in set(arns) - {"*"}:
                account = f"ticktape-{STAGE}"
                of_glue = arn.replace("_", "-") if ":glue:" in arn else arn
                ours = account in of_glue or arn.endswith((":catalog", ":database/default"))
                ours = ours or arn == life.outputs["environment"]["CHANNELS_KEY"]
                assert ours, f"{role}: {arn} is not of this stage"


def producer_may_write_its_status_and_no_other_list(life: Life) -> None:
    name = f"ticktape-{STAGE}-producer"
    policy = life.client("iam").get_role_policy(RoleName=name, PolicyName="own")["PolicyDocument"]
    writing = [
        statement
        for statement in policy["Statement"]
        if {action for action in listed(statement["Action"]) if action.startswith("dynamodb:")}
        - {"dynamodb:Query"}
    ]
    (statement,) = writing
    assert listed(statement["Action"]) == ["dynamodb:PutItem"]
    (table,) = listed(statement["Resource"])
    assert table.endswith(f":table/ticktape-{STAGE}-symbols")
    conditions = statement["Condition"]
    assert listed(conditions["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]) == ["producers"]
    assert listed(conditions["Null"]["dynamodb:LeadingKeys"]) == ["false"]


def resource_policies_allow_no_wildcard_action(life: Life) -> None:
    documents = [
        life.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
        for bucket in life.outputs["data_buckets"] + life.outputs["hosting_buckets"]
    ]
    key = life.client("kms").list_aliases()["Aliases"]
    own = next(a["TargetKeyId"] for a in key if a["AliasName"] == f"alias/ticktape-{STAGE}")
    documents.append(life.client("kms").get_key_policy(KeyId=own, PolicyName="default")["Policy"])
    for document in documents:
        for statement in json.loads(document)["Statement"]:
            wildcards = [action for action in listed(statement["Action"]) if "*" in action]
            assert not wildcards or statement["Effect"] == "Deny"


_EVERY = frozenset(
    {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)

BY_LAMBDA = {
    "none": _EVERY,
    "queue": _EVERY | {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
    "stream": _EVERY
    | {
        "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
        "s3:ListBucket",
    },
    "table-stream": _EVERY
    | {
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "s3:ListBucket",
    },
}
"""Actions that Lambda itself takes with a function's role, by the function's source: polling,
failures, logs and traces (AWS Lambda developer guide)."""


BY_ATHENA = frozenset(
    {
        "glue:BatchGetPartition",
        "glue:GetDatabase",
        "glue:GetPartition",
        "glue:GetPartitions",
        "glue:GetTable",
        "s3:AbortMultipartUpload",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
    }
)
"""Actions that Athena itself takes with the caller's rights: reading tables, and writing results
and unloaded objects (Athena user guide, identity-based access to catalog and S3)."""


def functions_that_start_statements_may_read_the_default_database(life: Life) -> None:
    """Athena needs this right for each statement (Athena user guide, access to databases)."""
    for function in ("api_handler", "compact"):
        found = statements(life, f"ticktape-{STAGE}-{function}")
        (actions,) = [does for does, on in found if on[0].endswith(":database/default")]
        assert actions == ["glue:GetDatabase"]


def function_may_do_what_it_did_and_nothing_else(life: Life, function: str) -> None:
    """Compare the function's recorded calls in `life.calls` with the policies of its role."""
    made = {call for call in life.calls if call.function == function}
    kind = FUNCTIONS[function].get("trigger", "none").split("/")[0]
    allowed = {
        (action, arn)
        for actions, arns in statements(life, f"ticktape-{STAGE}-{function}")
        for action in actions
        for arn in arns
    }
    missing = [
        call
        for call in made
        if not any(
            call.action == action and fnmatch.fnmatchcase(call.arn, arn) for action, arn in allowed
        )
    ]
    assert missing == []
    by_athena = BY_ATHENA if "athena/workgroup" in FUNCTIONS[function]["permissions"] else set()
    unused = [
        (action, arn)
        for action, arn in allowed
        if action not in BY_LAMBDA[kind] | by_athena
        and not arn.endswith("/aws/lambda/*")
        and not any(c.action == action and fnmatch.fnmatchcase(c.arn, arn) for c in made)
    ]
    assert unused == []
    assert made


def deployers_policy_allows(asked: set[str]) -> None:
    """Check that the deployer's policy allows all actions that were requested with its key."""
    policies = [json.loads((ROOT / "infra" / f"{name}.json").read_text()) for name in DEPLOYERS]
    statements = [one for policy in policies for one in policy["Statement"]]
    allowed = {action for one in statements for action in listed(one["Action"])}
    if "dynamodb:TransactWriteItems" in asked:  # IAM checks its two puts
        asked = asked - {"dynamodb:TransactWriteItems"} | {"dynamodb:PutItem"}
    assert {"dynamodb:CreateTable", "iam:CreateRole", "sqs:DeleteQueue"} <= asked
    assert sorted(asked - allowed) == []
    assert not [action for action in allowed if "*" in action]
