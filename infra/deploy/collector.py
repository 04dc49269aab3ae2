"""Checks the collector's settings, builds its zip for Terraform, and updates its code."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from infra.deploy import collector_package
from infra.deploy.errors import DeployError
from infra.deploy.stage import Stage
from infra.deploy.terraform import Terraform
from producer.collector import settings
from producer.errors import UsageError

PREFIX = "COLLECTOR_"
KNOWN = frozenset({"COLLECTOR_SOURCE", "COLLECTOR_SYMBOLS"}) | {
    name for name in settings.FLAGS if name.startswith(PREFIX)
}
_PUSHED = ("yfinance-live", "coinbase", "binance", "alpaca")
_ANY_STAGE = {"SYMBOLS_TABLE": "any", "TICKS_STREAM": "any"}


def prepare(terraform: Terraform) -> list[str]:
    """Build the collector's zip for Terraform, if the stage's collector is a Lambda function.

    Raises DeployError if the collector's settings are invalid.
    """
    found = terraform.variables("architecture", "collector", "settings")
    check(found["collector"], found["settings"])
    if found["collector"] != "lambda":
        return [f"collector = {found['collector']}: there is nothing to build"]
    return [_described(collector_package.build(found["architecture"]))]


def check(kind: str, given: Mapping[str, str]) -> None:
    """Raise DeployError if a setting of the collector is invalid. The error names the setting."""
    own = {name: value for name, value in given.items() if name.startswith(PREFIX)}
    if unknown := sorted(set(own) - KNOWN):
        known = ", ".join(sorted(KNOWN))
        raise DeployError(
            f"unknown settings of the collector: {', '.join(unknown)}; known: {known}"
        )
    if kind == "fargate" and own.get("COLLECTOR_SOURCE") in _PUSHED:
        own.pop("COLLECTOR_SOURCE")
    try:
        settings.load(own | _ANY_STAGE)
    except UsageError as error:
        raise DeployError(f"settings in the stage's tfvars: {error}") from error


def update(stage: Stage) -> list[str]:
    """Update the code of the collector's function from this working tree, for `ONLY=code`."""
    if stage.collector.kind != "lambda":
        return ["the stage has no collector function"]
    path, client = collector_package.build(stage.chalice.architecture), stage.client("lambda")
    name = stage.collector.name
    if client.get_function_configuration(FunctionName=name)["CodeSha256"] == sha256(path):
        return ["unchanged"]
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    client.update_function_code(FunctionName=name, ZipFile=path.read_bytes())
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    return [f"updated: {_described(path)}"]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in base64, as Lambda does."""
    return base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()


def _described(path: Path) -> str:
    return f"{path.name}: {path.stat().st_size:,} bytes"
