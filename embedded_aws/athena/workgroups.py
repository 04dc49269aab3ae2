"""Stores Athena's workgroups: where their results go, and how many bytes a query may scan."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

from embedded_aws.athena.errors import InvalidRequestError

PRIMARY = "primary"
LEAST_CUTOFF_BYTES = 10_000_000
"""The smallest BytesScannedCutoffPerQuery that Athena accepts."""

ENGINE = {
    "SelectedEngineVersion": "AUTO",
    "EffectiveEngineVersion": "Athena engine version 3",
}


class Workgroups:
    """Workgroups in SQLite. The workgroup `primary` always exists."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> dict[str, Any]:
        """Return a workgroup as GetWorkGroup does. Raises InvalidRequestError if it is unknown."""
        row = self._connection.execute(
            "SELECT workgroup FROM athena_workgroups WHERE name = ?", (name,)
        ).fetchone()
        if row is not None:
            found: dict[str, Any] = json.loads(row[0])
            return found
        if name == PRIMARY:
            return _workgroup(PRIMARY, {}, "")
        raise InvalidRequestError(f"WorkGroup {name} is not found.")

    def names(self) -> list[str]:
        """Return the names of all workgroups, in order."""
        rows = self._connection.execute("SELECT name FROM athena_workgroups")
        return sorted({PRIMARY, *(row[0] for row in rows)})

    def create(self, request: dict[str, Any]) -> None:
        """Create a workgroup as CreateWorkGroup does. Raises InvalidRequestError."""
        name = _name(request)
        if name in self.names():
            raise InvalidRequestError(f"WorkGroup {name} is already created")
        configuration = _checked(request.get("Configuration", {}))
        self._put(_workgroup(name, configuration, request.get("Description", "")))

    def update(self, request: dict[str, Any]) -> None:
        """Update a workgroup as UpdateWorkGroup does. Raises InvalidRequestError."""
        workgroup = self.get(request.get("WorkGroup", ""))
        changes = dict(request.get("ConfigurationUpdates", {}))
        configuration = workgroup["Configuration"]
        results = changes.pop("ResultConfigurationUpdates", None)
        if results is not None:
            configuration["ResultConfiguration"] = _results(
                configuration.get("ResultConfiguration", {}), results
            )
        if changes.pop("RemoveBytesScannedCutoffPerQuery", False):
            configuration.pop("BytesScannedCutoffPerQuery", None)
        configuration.update(_checked(changes))
        workgroup["Description"] = request.get("Description", workgroup["Description"])
        workgroup["State"] = request.get("State", workgroup["State"])
        self._put(workgroup)

    def delete(self, request: dict[str, Any]) -> None:
        """Delete a workgroup as DeleteWorkGroup does. Raises InvalidRequestError."""
        name = self.get(request.get("WorkGroup", ""))["Name"]
        if name == PRIMARY:
            raise InvalidRequestError("The primary workgroup cannot be deleted.")
        self._connection.execute("DELETE FROM athena_workgroups WHERE name = ?", (name,))

    def _put(self, workgroup: dict[str, Any]) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO athena_workgroups VALUES (?, ?)",
            (workgroup["Name"], json.dumps(workgroup)),
        )


def _workgroup(name: str, configuration: dict[str, Any], description: str) -> dict[str, Any]:
    defaults = {
        "EnforceWorkGroupConfiguration": name != PRIMARY,
        "PublishCloudWatchMetricsEnabled": True,
        "RequesterPaysEnabled": False,
        "EngineVersion": ENGINE,
    }
    return {
        "Name": name,
        "State": "ENABLED",
        "Description": description,
        "CreationTime": round(time.time(), 3),
        "Configuration": {**defaults, **configuration, "EngineVersion": ENGINE},
    }


def _name(request: dict[str, Any]) -> str:
    name = request.get("Name")
    if not isinstance(name, str) or not 1 <= len(name) <= 128:
        raise InvalidRequestError("Name: a workgroup's name of 1 to 128 characters is required")
    return name


def _checked(configuration: dict[str, Any]) -> dict[str, Any]:
    cutoff = configuration.get("BytesScannedCutoffPerQuery")
    if cutoff is not None and cutoff < LEAST_CUTOFF_BYTES:
        raise InvalidRequestError(
            f"BytesScannedCutoffPerQuery: {cutoff} is below the least, {LEAST_CUTOFF_BYTES}"
        )
    return configuration


def _results(now: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in {**now, **changes}.items()
        if not key.startswith("Remove") and not changes.get(f"Remove{key}")
    }
