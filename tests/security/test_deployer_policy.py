"""The deployer is not an administrator: the policy's permissions, action by action."""

from __future__ import annotations

import fnmatch
import json
from pathlib import Path
from typing import Any

import pytest

from tests.deploy_support.authorization import listed, overlap, problems
from tests.deploy_support.policy_checks import DEPLOYERS

INFRA = Path(__file__).resolve().parents[2] / "infra"
PATHS = sorted(INFRA.glob("*-policy.json"))
POLICIES = {path.stem: json.loads(path.read_text()) for path in PATHS}
BOUNDARY = POLICIES["boundary-policy"]
DEPLOYER = {"Statement": [one for name in DEPLOYERS for one in POLICIES[name]["Statement"]]}
RESOURCES = json.loads((INFRA / "resources.json").read_text())

ROLE = "arn:aws:iam::111122223333:role/ticktape-dev-detect"
COLLECTOR = "arn:aws:iam::111122223333:role/ticktape-dev-collector"
LINKED = "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
GROUP = "arn:aws:ec2:eu-central-1:111122223333:security-group/sg-1"
WITHIN = {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/ticktape-boundary"}
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1"
PAGE = "arn:aws:cloudfront::111122223333:distribution/E1"
STREAM = "arn:aws:kinesis:eu-central-1:111122223333:stream/ticktape-dev-ticks"
MAPPING = "arn:aws:lambda:eu-central-1:111122223333:event-source-mapping:1"
PUT_ALARM = "cloudwatch:PutMetricAlarm"
ALARM = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:ticktape-dev-iterator-age"
TOPIC = "arn:aws:sns:eu-central-1:111122223333:ticktape-dev-operations"
FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:payroll"
TERMINATE = "arn:aws:automate:eu-central-1:ec2:terminate"
START = "kinesis:StartStreamEncryption"
OURS = {"aws:ResourceTag/app": "ticktape"}
OF_OURS = {"lambda:FunctionArn": "arn:aws:lambda:eu-central-1:1:function:ticktape-dev-detect"}
OF_ANOTHER = {"lambda:FunctionArn": "arn:aws:lambda:eu-central-1:1:function:payroll"}
NEW = {"aws:RequestTag/app": "ticktape"}


def allows(policy: dict[str, Any], action: str, resource: str, **context: str) -> bool:
    """Return whether a statement allows it, as IAM evaluates the operators of the policies."""
    return any(
        action in listed(statement["Action"])
        and any(fnmatch.fnmatchcase(resource, arn) for arn in listed(statement["Resource"]))
        and _holds(statement.get("Condition", {}), context)
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
    )


def _holds(conditions: dict[str, dict[str, Any]], context: dict[str, str]) -> bool:
    """A context's values have spaces between them where a key has several."""
    for operator, tests in conditions.items():
        qualifier, _, plain = operator.rpartition(":")
        assert qualifier in ("", "ForAllValues")
        assert plain in ("StringEquals", "StringLike", "ArnLike")
        for key, patterns in tests.items():
            given = context.get(key, "")
            values = given.split() if qualifier else [given]
            if not all(_is_like(value, patterns) for value in values):
                return False
    return True


def _is_like(value: str, patterns: str | list[str]) -> bool:
    return any(fnmatch.fnmatchcase(value, one) for one in listed(patterns))


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("iam:CreateRole", ROLE, {}),
        ("iam:PutRolePolicy", ROLE, {}),
        ("iam:UpdateAssumeRolePolicy", ROLE, {}),
        ("iam:DeleteRolePolicy", ROLE, {}),
        ("iam:PutRolePolicy", ROLE, {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/X"}),
        ("iam:CreateRole", "arn:aws:iam::111122223333:role/admin", WITHIN),
        ("iam:DeleteRolePermissionsBoundary", ROLE, WITHIN),
        ("iam:AttachRolePolicy", ROLE, WITHIN),
        ("iam:CreatePolicyVersion", "arn:aws:iam::111122223333:policy/ticktape-boundary", {}),
        ("iam:CreateUser", "arn:aws:iam::111122223333:user/x", {}),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}),
        ("iam:PassRole", "arn:aws:iam::111122223333:role/admin", {}),
        ("kms:ScheduleKeyDeletion", KEY, {}),
        ("kms:PutKeyPolicy", KEY, {"aws:ResourceTag/app": "payroll"}),
        ("kms:Decrypt", KEY, {}),
        ("kms:CreateKey", "*", {}),
        ("cloudfront:UpdateDistribution", PAGE, {}),
        ("cloudfront:DeleteDistribution", PAGE, {"aws:ResourceTag/app": "shop"}),
        ("lambda:UpdateFunctionCode", "arn:aws:lambda:eu-central-1:1:function:payroll", {}),
        ("lambda:DeleteEventSourceMapping", MAPPING, {}),
        ("lambda:CreateEventSourceMapping", "*", OF_ANOTHER),
        ("dynamodb:DeleteTable", "arn:aws:dynamodb:eu-central-1:1:table/payroll", {}),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}),
        ("iam:CreateServiceLinkedRole", LINKED, {"iam:AWSServiceName": "eks.amazonaws.com"}),
        ("ecs:UpdateService", "arn:aws:ecs:eu-central-1:1:service/shop/shop", {}),
        ("ec2:AuthorizeSecurityGroupEgress", GROUP, {"aws:ResourceTag/app": "shop"}),
        ("ec2:AuthorizeSecurityGroupIngress", GROUP, OURS),
        ("ec2:CreateSecurityGroup", GROUP, {}),
        ("ec2:CreateTags", GROUP, NEW),
        (PUT_ALARM, ALARM, {"cloudwatch:AlarmActions": TERMINATE}),
        (PUT_ALARM, ALARM, {"cloudwatch:AlarmActions": f"{TOPIC} {TERMINATE}"}),
        (PUT_ALARM, ALARM, {"cloudwatch:AlarmActions": FUNCTION}),
        (PUT_ALARM, ALARM.replace("ticktape", "payroll"), {"cloudwatch:AlarmActions": TOPIC}),
    ],
)
def test_the_deployer_may_not_do_these_actions(
    action: str, resource: str, context: dict[str, str]
) -> None:
    assert not allows(DEPLOYER, action, resource, **context)


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("iam:CreateRole", ROLE, WITHIN),
        ("iam:PutRolePolicy", ROLE, WITHIN),
        ("iam:UpdateAssumeRolePolicy", ROLE, WITHIN),
        ("iam:DeleteRolePolicy", ROLE, WITHIN),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
        ("iam:PassRole", COLLECTOR, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}),
        ("ecs:UpdateService", "arn:aws:ecs:eu-central-1:1:service/ticktape-dev/x", {}),
        ("ec2:CreateSecurityGroup", GROUP, NEW),
        ("ec2:CreateTags", GROUP, {"ec2:CreateAction": "CreateSecurityGroup"}),
        ("ec2:AuthorizeSecurityGroupEgress", GROUP, OURS),
        ("lambda:DeleteEventSourceMapping", MAPPING, OF_OURS),
        ("kms:CreateKey", "*", NEW),
        ("kms:TagResource", KEY, NEW),
        ("kms:ScheduleKeyDeletion", KEY, OURS),
        ("cloudfront:CreateDistribution", PAGE, NEW),
        ("cloudfront:UpdateDistribution", PAGE, OURS),
        (PUT_ALARM, ALARM, {"cloudwatch:AlarmActions": TOPIC}),
        (PUT_ALARM, ALARM, {"cloudwatch:AlarmActions": f"{TOPIC} {TOPIC}"}),
    ],
)
def test_the_deployer_may_do_these_actions(
    action: str, resource: str, context: dict[str, str]
) -> None:
    assert allows(DEPLOYER, action, resource, **context)


def test_the_boundary_holds_all_that_functions_may_do_and_nothing_that_widens_rights() -> None:
    actions = {action for statement in BOUNDARY["Statement"] for action in statement["Action"]}
    holders = [*RESOURCES["functions"].values(), RESOURCES["producer"], RESOURCES["collector"]]
    needed = {a for holder in holders for many in holder["permissions"].values() for a in many}
    needed |= {a for many in RESOURCES["collector"]["lists"].values() for a in many}
    assert needed <= actions
    assert not {action for action in actions if "*" in action}
    services = {action.split(":")[0] for action in actions}
    assert not services & {"iam", "sts", "lambda", "organizations", "ec2", "cloudformation"}
    unbounded = [s["Sid"] for s in BOUNDARY["Statement"] if "*" in s["Resource"]]
    assert unbounded == ["StreamsOfTheAccount", "ImagesOfTheAccount", "Traces"]


def test_a_role_within_the_boundary_pulls_no_image_but_ticktapes() -> None:
    images = "arn:aws:ecr:eu-central-1:111122223333:repository"
    assert allows(BOUNDARY, "ecr:BatchGetImage", f"{images}/ticktape")
    assert not allows(BOUNDARY, "ecr:BatchGetImage", f"{images}/payroll")


@pytest.mark.parametrize("name", POLICIES)
def test_policy_fits_into_a_managed_one(name: str) -> None:
    """Which has 6,144 characters, blanks left out."""
    assert len(json.dumps(POLICIES[name], separators=(",", ":"))) < 6_144


@pytest.mark.parametrize("name", POLICIES)
def test_policy_says_what_iam_understands(name: str) -> None:
    assert problems(POLICIES[name]["Statement"]) == []


@pytest.mark.parametrize(
    ("problem", "statement"),
    [
        ("only * fits", {"Action": "kinesis:UpdateShardCount", "Resource": STREAM}),
        ("any resource", {"Action": "sqs:ReceiveMessage", "Resource": "*"}),
        ("does not know it", {"Action": "sqs:TakeMessage", "Resource": "*"}),
        ("none of the resources", {"Action": "sqs:ReceiveMessage", "Resource": STREAM}),
        ("needs the right on a kmsKey", {"Action": START, "Resource": STREAM}),
        ("no action of the statement", {"Action": START, "Resource": [STREAM, KEY, ROLE]}),
        (
            "condition aws:RequestTag/app",
            {
                "Action": "lambda:InvokeFunction",
                "Resource": "arn:aws:lambda:*:*:function:ticktape-*",
                "Condition": {"StringEquals": {"aws:RequestTag/app": "ticktape"}},
            },
        ),
    ],
)
def test_ineffective_statements_of_a_policy_are_reported(
    problem: str, statement: dict[str, Any]
) -> None:
    assert any(problem in told for told in problems([statement]))


@pytest.mark.parametrize(
    ("one", "other", "does"),
    [
        ("arn:a:*", "arn:*:b", True),
        ("table/x-*", "table/*/stream/*", True),
        ("table/x-*", "index/*", False),
        ("*", "", True),
        ("bucket", "*/*", False),
    ],
)
def test_patterns_overlap_where_a_text_matches_both(one: str, other: str, does: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is does
