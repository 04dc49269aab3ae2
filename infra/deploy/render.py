"""Writes a stage's section of `.chalice/config.json` from Terraform's outputs.

The sections of other stages stay, so that a plain `chalice deploy --stage STAGE` works for each.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from chalicelib import settings
from infra.deploy import limits, tokens
from infra.deploy.errors import DeployError
from infra.deploy.project import CHALICE
from infra.deploy.stage import Function, Stage

REST = "api_handler"
"""Chalice's name for the API's function. The stage itself has its sizes and role. It does not have
its reserved concurrency, which functions without their own would inherit."""


def render(stage: Stage) -> list[str]:
    """Check roles and settings and write the stage's section; return lines to print. Raises
    DeployError."""
    stage, said = with_bounded_api(stage)
    environment = stage.environment | {"WRITE_TOKEN_SHA256": tokens.stored(stage)}
    _check_settings(environment)
    _check_concurrency(stage)
    _check_roles(stage)
    path = CHALICE / "config.json"
    kept = json.loads(path.read_text())["stages"] if _has_stages() else {}
    config = json.loads((CHALICE / "base.json").read_text())
    config["stages"] = {**kept, stage.stage: section(stage, environment)}
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    return said


def with_bounded_api(stage: Stage) -> tuple[Stage, list[str]]:
    """Return the stage with `api_concurrency` reserved for the API's function if that is possible.
    Also return the lines to print.

    A reservation in the stage's tfvars takes precedence.
    """
    api, most = stage.functions[REST], stage.chalice.api_concurrency
    if most is None or api.reserved_concurrency is not None:
        return stage, []
    bounded = msgspec.structs.replace(api, reserved_concurrency=most)
    functions = {**stage.functions, REST: bounded}
    reserved = {f.name: f.reserved_concurrency or 0 for f in functions.values()}
    if left := limits.shortage({n: c for n, c in reserved.items() if c}, stage.client("lambda")):
        return stage, [f"the API has no reserved executions, though {most} are configured: {left}"]
    said = [f"the API has {most} reserved executions, which are also its limit"]
    return msgspec.structs.replace(stage, functions=functions), said


def section(stage: Stage, environment: dict[str, str]) -> dict[str, Any]:
    """Return the section of a stage in Chalice's configuration."""
    return {
        "api_gateway_stage": stage.stage,
        "api_gateway_endpoint_type": "REGIONAL",
        "lambda_architecture": stage.chalice.architecture,
        "xray": stage.chalice.tracing,
        "tags": stage.tags,
        "environment_variables": {name: value for name, value in environment.items() if value},
        **_sizes(msgspec.structs.replace(stage.functions[REST], reserved_concurrency=None)),
        "lambda_functions": {key: _sizes(function) for key, function in stage.functions.items()},
    }


def remove(stage: str) -> None:
    """Remove the section of a destroyed stage."""
    path = CHALICE / "config.json"
    if _has_stages():
        config = json.loads(path.read_text())
        config["stages"].pop(stage, None)
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def _has_stages() -> bool:
    path = CHALICE / "config.json"
    return path.exists() and "stages" in json.loads(path.read_text())


def _sizes(function: Function) -> dict[str, Any]:
    sizes: dict[str, Any] = {
        "manage_iam_role": False,
        "iam_role_arn": function.role_arn,
        "lambda_memory_size": function.memory_mb,
        "lambda_timeout": function.timeout_seconds,
    }
    if function.reserved_concurrency is not None:
        sizes["reserved_concurrency"] = function.reserved_concurrency
    return sizes


def _check_settings(environment: dict[str, str]) -> None:
    known = {field.upper() for field in settings.Settings.__struct_fields__}
    unknown = sorted(set(environment) - known)
    if unknown:
        raise DeployError(f"unknown settings of the application: {', '.join(unknown)}")
    try:
        settings.load(environment)
    except settings.SettingsError as error:
        raise DeployError(f"settings in the stage's tfvars: {error}") from error


def _check_concurrency(stage: Stage) -> None:
    """Check that a queue's function may run all its batches at once. A throttled batch would count
    as a failed receipt and end in the dead-letter queue."""
    for handler, source in settings.configured(settings.load(stage.environment)).items():
        function, most = stage.functions.get(handler), source.maximum_concurrency
        reserved = function.reserved_concurrency if function else None
        if most is not None and reserved is not None and reserved < most:
            raise DeployError(
                f"{handler} has reserved_concurrency {reserved}, but {most} batches of its queue "
                f"may run at once: reserve {most} or more, or lower "
                f"{handler.upper()}_CONCURRENCY"
            )


def _check_roles(stage: Stage) -> None:
    """Check that all roles exist. Chalice would silently retry for over a minute without one."""
    iam = stage.client("iam")
    for function in stage.functions.values():
        name = function.role_arn.rsplit("/", 1)[-1]
        try:
            iam.get_role(RoleName=name)
        except iam.exceptions.NoSuchEntityException:
            raise DeployError(f"role {name} is missing; terraform apply creates it") from None
