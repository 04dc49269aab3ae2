"""Records the AWS calls of each function (action and ARN) by a hook on botocore clients."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from tests.deploy_support.stage_life import STAGE

ACCOUNT = "123456789012"

ACTIONS = {
    "dynamodb:BatchExecuteStatement": "dynamodb:PartiQLInsert",
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:DeleteObjects": "s3:DeleteObject",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
}
"""IAM's names of operations, where they differ from the API's names."""


class Call(msgspec.Struct, frozen=True, order=True):
    """An AWS call as IAM sees it: an action on a resource."""

    function: str
    action: str
    arn: str


class Recorder:
    """Records calls. Only one function runs at a time, so that each call belongs to it."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._lock = threading.Lock()
        self._running = ""
        self.calls: set[Call] = set()

    @contextmanager
    def running(self, function: str) -> Iterator[None]:
        """Assign the calls in the context to a function."""
        with self._lock:
            self._running = function
            yield
            self._running = ""

    def wrap(self, function: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Return the handler with its calls recorded for a function."""

        def recorded(*arguments: Any) -> Any:
            with self.running(function):
                return handler(*arguments)

        return recorded

    def within(self, function: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Return a handler that runs during another one, but records calls for its function."""

        def recorded(*arguments: Any) -> Any:
            outer, self._running = self._running, function
            try:
                return handler(*arguments)
            finally:
                self._running = outer

        return recorded

    def watch(self, client: Any) -> Any:
        """Record the requests of a botocore client before they are sent."""
        service = client.meta.service_model.service_name

        def note(params: dict[str, Any], model: Any, **_: Any) -> None:
            self.calls |= calls_of(self._running, service, model.name, params, self._region)

        client.meta.events.register(f"provide-client-params.{service}.*", note)
        return client


def calls_of(
    function: str, service: str, operation: str, params: dict[str, Any], region: str
) -> set[Call]:
    """Return a request as calls: one for each resource, and one for each write of a transaction."""
    if operation == "TransactWriteItems":
        writes = [write for item in params["TransactItems"] for write in item.items()]
        found = [calls_of(function, service, f"{kind}Item", one, region) for kind, one in writes]
        return set().union(*found)
    action = f"{service}:{operation}"
    named = ACTIONS.get(action, action)
    return {Call(function, named, arn) for arn in arns(service, params, region)}


def arns(service: str, params: dict[str, Any], region: str) -> list[str]:
    """Return the ARNs that a request's parameters name. Raises KeyError for an unknown service."""
    return _READERS[service](params, region)


_INTO = re.compile(r'^INSERT INTO "([^"]+)"')


def _dynamodb(params: dict[str, Any], region: str) -> list[str]:
    if "Statements" in params:
        tables = [_INTO.findall(one["Statement"])[0] for one in params["Statements"]]
    elif "TableName" in params:
        tables = [params["TableName"]]
    else:
        tables = list(params["RequestItems"])
    index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
    return [f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{name}{index}" for name in tables]


def _s3(params: dict[str, Any], region: str) -> list[str]:
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    if "Delete" in params:
        return [f"{bucket}/{entry['Key']}" for entry in params["Delete"]["Objects"]]
    return [f"{bucket}/{params['Key']}" if "Key" in params else bucket]


def _athena(params: dict[str, Any], region: str) -> list[str]:
    """Return the ARN of the functions' only workgroup: a query's id does not tell the workgroup."""
    group = params.get("WorkGroup") or f"ticktape-{STAGE}"
    return [f"arn:aws:athena:{region}:{ACCOUNT}:workgroup/{group}"]


def _glue(params: dict[str, Any], region: str) -> list[str]:
    """Return the ARNs of catalog, database and table, since Glue checks the right on all three."""
    start, database = f"arn:aws:glue:{region}:{ACCOUNT}", params["DatabaseName"]
    table = params.get("TableName") or params.get("Name") or params["TableInput"]["Name"]
    return [f"{start}:catalog", f"{start}:database/{database}", f"{start}:table/{database}/{table}"]


def _sns(params: dict[str, Any], region: str) -> list[str]:
    return [params["TopicArn"]]


def _sqs(params: dict[str, Any], region: str) -> list[str]:
    return [f"arn:aws:sqs:{region}:{ACCOUNT}:{params['QueueUrl'].rsplit('/', 1)[1]}"]


def _kms(params: dict[str, Any], region: str) -> list[str]:
    return [params["KeyId"]]


def _lambda(params: dict[str, Any], region: str) -> list[str]:
    return [f"arn:aws:lambda:{region}:{ACCOUNT}:function:{params['FunctionName']}"]


_READERS = {
    "athena": _athena,
    "dynamodb": _dynamodb,
    "glue": _glue,
    "kms": _kms,
    "lambda": _lambda,
    "s3": _s3,
    "sns": _sns,
    "sqs": _sqs,
}
