"""Finds a deployed stage by Terraform's outputs, and invokes its functions."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from commands.outcomes import UsageError

if TYPE_CHECKING:
    from infra.deploy.stage import Stage


class FunctionFailedError(Exception):
    """A deployed function raised an error, whose type and message are in the text."""


def find(name: str) -> Stage:
    """Return the stage as Terraform's outputs describe it. Raises UsageError if the outputs cannot
    be read, or if an older version wrote them."""
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
    """Set the region of this process to the stage's."""
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
    """Return the event as short JSON: a batch near Lambda's limit of 6 MB must not grow."""
    return json.dumps(event, separators=(",", ":")).encode()
