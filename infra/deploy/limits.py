"""Checks the reserved concurrency in a Terraform plan against the account's limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.deploy.errors import DeployError

UNRESERVED = 100
"""Executions that Lambda keeps for functions without a reservation:
https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html"""


def reserved(plan: Mapping[str, Any]) -> dict[str, int]:
    """Return the executions that a plan in Terraform's JSON reserves, by function."""
    outputs = plan["output_changes"]
    functions = [*outputs["functions"]["after"].values(), outputs["collector"]["after"]]
    asked = {found["name"]: found["reserved_concurrency"] for found in functions}
    return {name: count for name, count in asked.items() if count is not None}


def check(plan: Mapping[str, Any]) -> None:
    """Raise DeployError if a plan reserves more executions than the account allows."""
    wanted = reserved(plan)
    if not wanted:
        return
    import boto3

    client = boto3.client("lambda", region_name=plan["variables"]["region"]["value"])
    if said := complaint(wanted, client):
        raise DeployError(said)


def complaint(wanted: Mapping[str, int], client: Any) -> str:
    """Return why the executions in `wanted` cannot be reserved, or an empty text if they can."""
    left = shortage(wanted, client)
    asked = sum(wanted.values())
    return left and (
        f"functions: reserved_concurrency is {asked} in all; allowed: {left}. Leave it out, or "
        "request more under Service Quotas"
    )


def shortage(wanted: Mapping[str, int], client: Any) -> str:
    """Return how many executions can be reserved, and why, if `wanted` exceeds that; else empty."""
    limit = client.get_account_settings()["AccountLimit"]
    free = limit["UnreservedConcurrentExecutions"] + sum(_has(client, name) for name in wanted)
    most = max(0, free - UNRESERVED)
    if sum(wanted.values()) <= most:
        return ""
    return (
        f"at most {most}, since the account has {limit['ConcurrentExecutions']} executions and "
        f"{UNRESERVED} have to stay unreserved"
    )


def _has(client: Any, name: str) -> int:
    """Return the executions that a function has reserved now; 0 if it does not exist yet."""
    try:
        found = client.get_function(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        return 0
    return int(found.get("Concurrency", {}).get("ReservedConcurrentExecutions", 0))
