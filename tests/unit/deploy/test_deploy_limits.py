"""The part of the account's concurrent executions that a plan may reserve."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.deploy import limits
from infra.deploy.errors import DeployError
from infra.deploy.terraform import Terraform


class Account:
    """Lambda in an account with a limit, and functions with their reservations."""

    class exceptions:  # noqa: N801  # botocore's name
        """botocore's exceptions."""

        ResourceNotFoundException = KeyError

    def __init__(self, executions: int, **reserved: int) -> None:
        self._executions = executions
        self._reserved = reserved

    def get_account_settings(self) -> dict[str, Any]:
        unreserved = self._executions - sum(self._reserved.values())
        limit = {"ConcurrentExecutions": self._executions}
        return {"AccountLimit": limit | {"UnreservedConcurrentExecutions": unreserved}}

    def get_function(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803  # AWS
        return {"Concurrency": {"ReservedConcurrentExecutions": self._reserved[FunctionName]}}


class NewAccount(Account):
    """An account without functions."""

    def get_function(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803  # AWS
        raise KeyError(FunctionName)


def plan(**reserved: int | None) -> dict[str, Any]:
    """Return Terraform's output of functions with these reservations."""
    functions = {k: {"name": k, "reserved_concurrency": count} for k, count in reserved.items()}
    collector = {"name": "collector", "reserved_concurrency": reserved.get("collector")}
    outputs = {"functions": {"after": functions}, "collector": {"after": collector}}
    return {"output_changes": outputs}


def test_plan_that_reserves_nothing_asks_nothing() -> None:
    limits.check(plan(ingest=None, detect=None))


def test_the_limit_of_a_new_account_is_reported_in_a_line() -> None:
    wanted = limits.reserved(plan(ingest=20, detect=20, api=50, other=None))
    assert limits.complaint(wanted, NewAccount(10)) == (
        "functions: reserved_concurrency is 90 in all; allowed: at most 0, since the account has "
        "10 executions and 100 have to stay unreserved. Leave it out, or request more under "
        "Service Quotas"
    )


@pytest.mark.parametrize(("asked", "is_refused"), [(900, False), (901, True)])
def test_hundred_executions_stay_unreserved(asked: int, is_refused: bool) -> None:
    assert bool(limits.complaint({"ingest": asked}, Account(1000))) is is_refused


@pytest.mark.parametrize(("asked", "is_refused"), [(700, False), (701, True)])
def test_existing_reservations_count_for_the_functions_that_have_them(
    asked: int, is_refused: bool
) -> None:
    account = Account(1000, ingest=300, payroll=200)
    assert bool(limits.complaint({"ingest": asked}, account)) is is_refused


def test_plan_that_the_account_refuses_is_not_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    planned = plan(ingest=5) | {"variables": {"region": {"value": "eu-west-1"}}}
    monkeypatch.setattr(Terraform, "_run", lambda _self, *words: ran.append(words[0]))
    monkeypatch.setattr(Terraform, "_read", lambda *_: json.dumps(planned))
    monkeypatch.setattr("boto3.client", lambda _service, region_name: NewAccount(10))
    with pytest.raises(DeployError, match="reserved_concurrency is 5 in all; allowed: at most 0"):
        Terraform("dev", confirmed=True).apply()
    assert ran == ["plan"]
