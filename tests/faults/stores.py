"""The contents of the stores in a form in which two runs can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.factories import gunzipped

APART = {"notified_at", "version", "repairs", "revision", "complete_from", "mark"}
"""Fields that may differ between a clean run and one with faults."""

TABLES = ("prices", "bars", "state", "alerts", "symbols")

Contents = dict[str, Any]


def comparable(
    tables: Mapping[str, Iterable[Mapping[str, Any]]], objects: Mapping[str, bytes]
) -> Contents:
    """Tables as sorted items without what may differ, the archive as a set of lines.

    Alerts that the state has as pending are left out after a look whether they were recorded: the
    next write of the state drops them.
    """
    contents: Contents = {name: sorted(map(_kept, tables[name]), key=_text) for name in TABLES}
    recorded = {
        (item["symbol"]["S"], item["timestamp"]["S"], item["rule_id"]["S"])
        for item in tables["alerts"]
    }
    contents["state"] = [_without_recorded(item, recorded) for item in contents["state"]]
    contents["raw"] = {
        line for key, body in objects.items() if key.startswith("raw/") for line in gunzipped(body)
    }
    contents["quarantine"] = {
        line
        for key, body in objects.items()
        if key.startswith("quarantine/")
        for line in body.splitlines()
    }
    return contents


def without_ttl(contents: Contents) -> Contents:
    """The same without the end of each bar's life, which goes by the batch that it came from."""
    bars = [{k: v for k, v in bar.items() if k != "expires_at"} for bar in contents["bars"]]
    return {**contents, "bars": sorted(bars, key=_text)}


def _kept(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in item.items() if name not in APART and not _says_when(name)
    }


def _says_when(name: str) -> bool:
    """Deliveries have times, and as many attempts as a fault has made necessary."""
    return name.startswith("delivery_")


def _text(item: Mapping[str, Any]) -> str:
    return json.dumps(item, sort_keys=True)


def _without_recorded(item: dict[str, Any], recorded: set[tuple[str, str, str]]) -> Any:
    data = json.loads(item["data"]["S"])
    pending = data.pop("p", [])
    left = [a for a in pending if (a["symbol"], a["timestamp"], a["rule_id"]) not in recorded]
    return {**item, "data": data, "unrecorded": left}
