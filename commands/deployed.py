"""Finds and invokes a deployed stage for commands with `--stage`, by Terraform's outputs."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from commands.outcomes import UsageError

if TYPE_CHECKING:
    from infra.deploy.stage import Stage


class FunctionFailedError(Exception):
    """A deployed function raised an error. The text has its type and message."""


def find(name: str) -> Stage:
    """Return the stage by Terraform's outputs.

    Raises UsageError if they cannot be read, or if an older version wrote them.
    """
    from infra.deploy import stage
    from infra.deploy.errors import DeployError

    try:
        found = stage.load(name)
    except DeployError as error:
        raise UsageError(f"--stage: {error}") from error
    except FileNotFoundError as error:
        raise UsageError("--stage needs terraform, which reads the stage's outputs") from error
    if not found.account:
        raise UsageError(f"--stage: an older version deployed {name}: make deploy STAGE={name}")
    return found


def enter(stage: Stage) -> None:
    """Point this process at the stage's region, whatever the environment says."""
    os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = stage.region


def invoke(stage: Stage, function: str, event: dict[str, Any], read_seconds: float) -> Any:
    """Invoke a function once by its full name and return its answer.

    Raises FunctionFailedError if the function raised an error.
    """
    import boto3
    from botocore.config import Config

    config = Config(read_timeout=read_seconds, retries={"total_max_attempts": 1})
    client = boto3.client("lambda", region_name=stage.region, config=config)
    answer = client.invoke(FunctionName=function, Payload=_compact(event))
    payload = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        raise FunctionFailedError(f"{payload.get('errorType')}: {payload.get('errorMessage')}")
    return payload


def _compact(event: dict[str, Any]) -> bytes:
    """Encode without whitespace: a batch near Lambda's limit of 6 MB must not grow."""
    return json.dumps(event, separators=(",", ":")).encode()
