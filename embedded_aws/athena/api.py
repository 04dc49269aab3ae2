"""Athena's API over SQLite: StartQueryExecution to GetQueryResults, and workgroups.

A request holds the emulator's lock only while it reads or writes SQLite. Statements run in the
engine's process, which reports when a statement ends.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from embedded_aws.athena.engine_process import EngineProcess
from embedded_aws.athena.errors import AthenaError, InvalidRequestError, TooManyRequestsError
from embedded_aws.athena.executions import ACTIVE, Execution, Executions, end
from embedded_aws.athena.result_pages import page
from embedded_aws.athena.workgroups import ENGINE, PRIMARY, Workgroups
from embedded_aws.emulator.database import transaction
from embedded_aws.emulator.object_reading import read_object
from embedded_aws.environment import Keys

MOST_ACTIVE = 25
MOST_BYTES = 262_144
"""Bytes of a query's text: Athena's quota."""

_HEADERS = "_headers"
"""Key of an answer's additional HTTP headers, which are sent, but not as part of the body."""

Operation = Callable[[dict[str, Any]], dict[str, Any]]


class Athena:
    """The emulated Athena service. `lock` is the emulator's lock and guards the connection. The
    engine signs its requests to the emulator with `keys`."""

    def __init__(self, connection: sqlite3.Connection, lock: threading.Lock, keys: Keys) -> None:
        self._connection = connection
        self._lock = lock
        self._workgroups = Workgroups(connection)
        self.executions = Executions(connection)
        self._engine = EngineProcess(self._changed, keys)
        self._operations: dict[str, Operation] = {
            "StartQueryExecution": self._start,
            "GetQueryExecution": self._get,
            "BatchGetQueryExecution": self._batch_get,
            "ListQueryExecutions": self._list,
            "GetQueryResults": self._results,
            "StopQueryExecution": self._stop,
            "GetWorkGroup": self._get_workgroup,
            "ListWorkGroups": self._list_workgroups,
            "CreateWorkGroup": self._changing(self._workgroups.create),
            "UpdateWorkGroup": self._changing(self._workgroups.update),
            "DeleteWorkGroup": self._changing(self._workgroups.delete),
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        """Answer a request to Athena; refuse unknown operations, which moto would answer."""
        self._engine.port = int(environ["SERVER_PORT"])
        name = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        try:
            operation = self._operations.get(name)
            if operation is None:
                raise InvalidRequestError(f"{name}: not an operation of this emulation")
            request = json.loads(environ["wsgi.input"].read() or b"{}")
            status, answer = "200 OK", operation(request)
        except AthenaError as error:
            status = "400 Bad Request"
            answer = {"__type": error.code, "Message": str(error), "message": str(error)}
        more = answer.pop(_HEADERS, {})
        body = json.dumps(answer).encode()
        headers = [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("Content-Length", str(len(body))),
            ("x-amzn-RequestId", str(uuid.uuid4())),
            *more.items(),
        ]
        start_response(status, headers)
        return [body]

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock, transaction(self._connection):
            execution, job = self._accept(request)
        if job is not None:
            self._engine.run(job)
        return {"QueryExecutionId": execution["QueryExecutionId"]}

    def _accept(self, request: dict[str, Any]) -> tuple[Execution, dict[str, Any] | None]:
        query = _text_of(request)
        token = request.get("ClientRequestToken")
        if token is not None and (known := self.executions.of_token(token)):
            if known["_request"] != _what_counts(request):
                raise InvalidRequestError("Idempotent parameters do not match")
            return known, None
        workgroup = self._enabled(request.get("WorkGroup", PRIMARY))
        if self.executions.active() >= MOST_ACTIVE:
            raise TooManyRequestsError("You have exceeded the limit for concurrent queries.")
        execution = _queued(query, request, workgroup)
        same = _sameness(execution)
        reused = self._reused(execution, same)
        self.executions.put(execution, token, same)
        return execution, None if reused else _job(execution, workgroup)

    def _enabled(self, name: str) -> dict[str, Any]:
        workgroup = self._workgroups.get(name)
        if workgroup["State"] != "ENABLED":
            raise InvalidRequestError(f"WorkGroup {name} is disabled.")
        return workgroup

    def _reused(self, execution: Execution, same: str) -> bool:
        age = execution.get("ResultReuseConfiguration", {}).get("ResultReuseByAgeConfiguration")
        if not age or not age.get("Enabled"):
            return False
        before = self.executions.reusable(same, time.time() - 60 * age.get("MaxAgeInMinutes", 60))
        if before is None or before["StatementType"] != "DML" or "_manifest" in before:
            return False
        for key in ("StatementType", "SubstatementType", "ResultConfiguration"):
            execution[key] = before[key]
        for key in ("_columns", "_output"):
            execution[key] = before[key]
        execution["Statistics"] = {
            "EngineExecutionTimeInMillis": 0,
            "DataScannedInBytes": 0,
            "ResultReuseInformation": {"ReusedPreviousResult": True},
        }
        end(execution, "SUCCEEDED", None)
        return True

    def _changed(self, number: str, change: dict[str, Any]) -> None:
        """Store the engine's report that a query runs or has ended. Ignore the report if a client
        has stopped the query meanwhile."""
        with self._lock, transaction(self._connection):
            execution = self.executions.get(number)
            if execution["Status"]["State"] not in ACTIVE:
                return  # a client has stopped the query
            state = change["state"]
            execution.update(change.get("fields", {}))
            execution["Statistics"].update(change.get("statistics", {}))
            if state == "RUNNING":
                execution["Status"]["State"] = state
            else:
                end(execution, state, change.get("reason"))
            self.executions.update(execution)

    def _get(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer GetQueryExecution. Additional headers hold the query's numbers of S3 requests,
        which AWS's Athena does not report."""
        with self._lock:
            found = self.executions.get(_number(request))
        counted = found.get("_requests", {})
        headers = {f"x-ticktape-s3-{what}": str(count) for what, count in counted.items()}
        return {"QueryExecution": _shown(found), _HEADERS: headers}

    def _batch_get(self, request: dict[str, Any]) -> dict[str, Any]:
        found, missing = [], []
        with self._lock:
            for number in request.get("QueryExecutionIds", ()):
                try:
                    found.append(_shown(self.executions.get(number)))
                except InvalidRequestError as error:
                    missing.append({"QueryExecutionId": number, "ErrorMessage": str(error)})
        return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            workgroup = self._workgroups.get(request.get("WorkGroup", PRIMARY))["Name"]
            numbers = self.executions.numbers(workgroup)
        start = int(request.get("NextToken") or 0)
        most = request.get("MaxResults", 50)
        answer: dict[str, Any] = {"QueryExecutionIds": numbers[start : start + most]}
        if start + most < len(numbers):
            answer["NextToken"] = str(start + most)
        return answer

    def _results(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            execution = self.executions.get(_number(request))
            state = execution["Status"]["State"]
            if state != "SUCCEEDED":
                raise InvalidRequestError(f"Query has not yet finished. Current state: {state}")
            bucket, _, key = execution["_output"].removeprefix("s3://").partition("/")
            found = read_object(self._connection, bucket, key)
        if found is None:
            raise InvalidRequestError(f"Could not find results at {execution['_output']}")
        return page(execution, found.body, request)

    def _stop(self, request: dict[str, Any]) -> dict[str, Any]:
        number = _number(request)
        with self._lock, transaction(self._connection):
            execution = self.executions.get(number)
            if execution["Status"]["State"] not in ACTIVE:
                return {}
            end(execution, "CANCELLED", "Query cancelled by user")
            self.executions.update(execution)
        self._engine.stop_query(number)
        return {}

    def _get_workgroup(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            return {"WorkGroup": self._workgroups.get(request.get("WorkGroup", ""))}

    def _list_workgroups(self, _request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            found = [self._workgroups.get(name) for name in self._workgroups.names()]
        names = ("Name", "State", "Description", "CreationTime")
        return {
            "WorkGroups": [
                {**{name: group[name] for name in names}, "EngineVersion": ENGINE}
                for group in found
            ]
        }

    def _changing(self, change: Callable[[dict[str, Any]], None]) -> Operation:
        """Return an operation that runs `change` in a transaction and answers an empty object."""

        def operation(request: dict[str, Any]) -> dict[str, Any]:
            with self._lock, transaction(self._connection):
                change(request)
            return {}

        return operation


def _number(request: dict[str, Any]) -> str:
    number = request.get("QueryExecutionId")
    if not isinstance(number, str) or not number:
        raise InvalidRequestError("QueryExecutionId is required")
    return number


def _text_of(request: dict[str, Any]) -> str:
    query = request.get("QueryString")
    if not isinstance(query, str) or not query.strip():
        raise InvalidRequestError("QueryString is empty")
    if len(query.encode()) > MOST_BYTES:
        raise InvalidRequestError(f"QueryString is longer than {MOST_BYTES} bytes")
    return query


def _what_counts(request: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in request.items() if key != "ClientRequestToken"}


def _sameness(execution: Execution) -> str:
    """Return a key that two queries share if both give the same result on unchanged data."""
    context = execution["QueryExecutionContext"]
    parts = [execution["Query"], execution.get("ExecutionParameters"), execution["_folder"]]
    return json.dumps([*parts, context.get("Database", "").lower(), execution["WorkGroup"]])


def _queued(query: str, request: dict[str, Any], workgroup: dict[str, Any]) -> Execution:
    configuration = workgroup["Configuration"]
    own = request.get("ResultConfiguration", {}).get("OutputLocation")
    folder = configuration.get("ResultConfiguration", {}).get("OutputLocation")
    if own and (not folder or not configuration["EnforceWorkGroupConfiguration"]):
        folder = own
    if not folder or not folder.startswith("s3://"):
        raise InvalidRequestError(
            "No output location provided. An output location is required either through the"
            " Workgroup result configuration setting or as an API input."
        )
    execution: Execution = {
        "QueryExecutionId": str(uuid.uuid4()),
        "Query": query.strip(),
        "StatementType": "DML",
        "ResultConfiguration": {"OutputLocation": folder},
        "QueryExecutionContext": request.get("QueryExecutionContext", {}),
        "Status": {"State": "QUEUED", "SubmissionDateTime": round(time.time(), 3)},
        "Statistics": {"ResultReuseInformation": {"ReusedPreviousResult": False}},
        "WorkGroup": workgroup["Name"],
        "EngineVersion": ENGINE,
        "_request": _what_counts(request),
        "_folder": folder if folder.endswith("/") else folder + "/",
    }
    for key in ("ExecutionParameters", "ResultReuseConfiguration"):
        if request.get(key):
            execution[key] = request[key]
    return execution


def _job(execution: Execution, workgroup: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": execution["QueryExecutionId"],
        "query": execution["Query"],
        "parameters": execution.get("ExecutionParameters"),
        "database": execution["QueryExecutionContext"].get("Database"),
        "output": execution["_folder"] + execution["QueryExecutionId"],
        "cutoff_bytes": workgroup["Configuration"].get("BytesScannedCutoffPerQuery"),
    }


def _shown(execution: Execution) -> Execution:
    return {key: value for key, value in execution.items() if not key.startswith("_")}
