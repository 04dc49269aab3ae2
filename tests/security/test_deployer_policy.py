"""Who deploys is no administrator: what the policy allows, tried action by action."""

from __future__ import annotations

import fnmatch
import json
from pathlib import Path
from typing import Any

import pytest

INFRA = Path(__file__).resolve().parents[2] / "infra"
DEPLOYER = json.loads((INFRA / "deployer-policy.json").read_text())
BOUNDARY = json.loads((INFRA / "boundary-policy.json").read_text())
RESOURCES = json.loads((INFRA / "resources.json").read_text())

ROLE = "arn:aws:iam::111122223333:role/ticktape-dev-detect"
WITHIN = {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/ticktape-boundary"}
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1"
PAGE = "arn:aws:cloudfront::111122223333:distribution/E1"
OURS = {"aws:ResourceTag/app": "ticktape"}
NEW = {"aws:RequestTag/app": "ticktape"}


def listed(value: Any) -> list[str]:
    """A text or a list of texts."""
    return [value] if isinstance(value, str) else list(value)


def allows(policy: dict[str, Any], action: str, resource: str, **context: str) -> bool:
    """Whether a statement allows it, as IAM evaluates the operators that the policies use."""
    return any(
        action in listed(statement["Action"])
        and any(fnmatch.fnmatchcase(resource, arn) for arn in listed(statement["Resource"]))
        and _holds(statement.get("Condition", {}), context)
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
    )


def _holds(conditions: dict[str, dict[str, Any]], context: dict[str, str]) -> bool:
    for operator, tests in conditions.items():
        assert operator in ("StringEquals", "StringLike", "ArnLike")
        for key, values in tests.items():
            if not any(fnmatch.fnmatchcase(context.get(key, ""), one) for one in listed(values)):
                return False
    return True


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("iam:CreateRole", ROLE, {}),
        ("iam:PutRolePolicy", ROLE, {}),
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
        ("dynamodb:DeleteTable", "arn:aws:dynamodb:eu-central-1:1:table/payroll", {}),
    ],
)
def test_what_the_deployer_may_not_do(action: str, resource: str, context: dict[str, str]) -> None:
    assert not allows(DEPLOYER, action, resource, **context)


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("iam:CreateRole", ROLE, WITHIN),
        ("iam:PutRolePolicy", ROLE, WITHIN),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
        ("kms:CreateKey", "*", NEW),
        ("kms:TagResource", KEY, NEW),
        ("kms:ScheduleKeyDeletion", KEY, OURS),
        ("cloudfront:CreateDistribution", PAGE, NEW),
        ("cloudfront:UpdateDistribution", PAGE, OURS),
    ],
)
def test_what_the_deployer_may_do(action: str, resource: str, context: dict[str, str]) -> None:
    assert allows(DEPLOYER, action, resource, **context)


def test_the_boundary_holds_all_that_functions_may_do_and_nothing_that_widens_rights() -> None:
    actions = {action for statement in BOUNDARY["Statement"] for action in statement["Action"]}
    holders = [*RESOURCES["functions"].values(), RESOURCES["producer"]]
    needed = {a for holder in holders for many in holder["permissions"].values() for a in many}
    assert needed <= actions
    assert not {action for action in actions if "*" in action}
    services = {action.split(":")[0] for action in actions}
    assert not services & {"iam", "sts", "lambda", "organizations", "ec2", "cloudformation"}
    unbounded = [s["Sid"] for s in BOUNDARY["Statement"] if "*" in s["Resource"]]
    assert unbounded == ["Traces"]


def test_policies_fit_where_they_are_to_be_put() -> None:
    """A role's inline policies have 10,240 characters, a managed policy 6,144, without blanks."""

    def size(policy: dict[str, Any]) -> int:
        return len(json.dumps(policy, separators=(",", ":")))

    assert size(DEPLOYER) < 10_240
    assert size(BOUNDARY) < 6_144
