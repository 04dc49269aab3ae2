"""The local lake is brought up to date when a newer version starts on data of an older one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters.glue import view_text
from chalicelib.adapters.lake_marks import parameters_of
from chalicelib.services.lake import lake_sql
from chalicelib.services.lake.stores import CompactionState
from chalicelib.services.reports.costs import USD_A_LIST
from chalicelib.services.reports.lists import LakeState, lists
from infra import resources
from infra.lake import first_day, make_lake

HERE = resources.load("local")


class Glue:
    """Tables by name, as Glue lists them."""

    def __init__(self) -> None:
        self.tables: dict[str, Any] = {}
        self.written: list[str] = []

    def create_database(self, **_: Any) -> None:
        """There is one."""

    def get_paginator(self, name: str) -> Any:
        """Only of tables."""
        assert name == "get_tables"
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        """One page."""
        return [{"TableList": list(self.tables.values())}]

    def create_table(self, *, TableInput: dict[str, Any], **_: Any) -> None:  # noqa: N803
        """A new one."""
        assert TableInput["Name"] not in self.tables
        self.update_table(TableInput=TableInput)

    def update_table(self, *, TableInput: dict[str, Any], **_: Any) -> None:  # noqa: N803
        """The table as it is from now on."""
        self.tables[TableInput["Name"]] = msgspec.json.decode(msgspec.json.encode(TableInput))
        self.written.append(TableInput["Name"])

    def delete_table(self, *, Name: str, **_: Any) -> None:  # noqa: N803
        """Without it."""
        del self.tables[Name]


class Archive:
    """A bucket with these keys, or one that answers with an error."""

    def __init__(self, *keys: str, error: str = "") -> None:
        self._keys, self._error = keys, error

    def list_objects_v2(self, *, Prefix: str, MaxKeys: int, **_: Any) -> dict[str, Any]:  # noqa: N803
        """The first keys."""
        if self._error:
            raise ClientError({"Error": {"Code": self._error, "Message": ""}}, "ListObjectsV2")
        found = sorted(key for key in self._keys if key.startswith(Prefix))[:MaxKeys]
        return {"Contents": [{"Key": key} for key in found]} if found else {}


class Athena:
    """Takes any workgroup."""

    def create_work_group(self, **_: Any) -> None:
        """There is one."""


def made() -> Glue:
    glue = Glue()
    make_lake(glue, Athena(), HERE)
    return glue


@pytest.mark.parametrize(
    ("archive", "day"),
    [
        (Archive(), "2026-11-24"),
        (Archive(error="NoSuchBucket"), "2026-11-24"),
        (Archive(error="AccessDenied"), None),
        (Archive("ticks/date=2026-01-01/a"), "2026-11-24"),
        (Archive("raw/date=2026-11-20/hour=09/b", "raw/date=2026-11-03/hour=23/a"), "2026-11-03"),
        (Archive("raw/date=2026-11-25/hour=00/a"), "2026-11-24"),
        (Archive("raw/other"), None),
    ],
)
def test_the_lake_begins_with_the_first_stored_day(archive: Archive, day: str | None) -> None:
    assert first_day(archive, "bucket", date(2026, 11, 24)) == day


@pytest.mark.parametrize(
    ("day", "start"),
    [("2026-11-24", "2026-11-24"), (None, "2024-01-01"), ("0001-01-01", "2024-01-01")],
)
def test_projected_partitions_begin_with_that_day(day: str | None, start: str) -> None:
    glue = made()
    make_lake(glue, Athena(), HERE, day)
    ranges = {
        name: table["Parameters"]["projection.date.range"]
        for name, table in glue.tables.items()
        if "projection.enabled" in table["Parameters"]
    }
    assert set(ranges) == {"raw_lines", "readings", "quarantine"}
    assert set(ranges.values()) == {f"{start},NOW"}


def test_an_unbounded_query_of_a_new_lake_lists_one_day() -> None:
    """Before, it was priced from 2024 on: 0.76 USD."""
    state = LakeState("2026-11-24")
    found = lists("SELECT 1 FROM all_prices", {}, state, date(2026, 11, 24))
    assert found * USD_A_LIST < Decimal("0.001")


def test_a_second_start_changes_nothing() -> None:
    glue = made()
    glue.written.clear()
    make_lake(glue, Athena(), HERE)
    assert glue.written == []


def test_a_table_that_is_a_view_now_makes_room_for_it() -> None:
    glue = made()
    glue.tables["raw_ticks"] = {**glue.tables["raw_lines"], "Name": "raw_ticks"}
    make_lake(glue, Athena(), HERE)
    assert glue.tables["raw_ticks"]["TableType"] == "VIRTUAL_VIEW"


def test_a_view_of_an_older_version_gets_the_serde_that_athena_wants() -> None:
    glue = made()
    for name in ("all_ticks", "bars_1d"):
        serde = glue.tables[name]["StorageDescriptor"].pop("SerdeInfo")
        assert serde["SerializationLibrary"]
    make_lake(glue, Athena(), HERE)
    assert glue.tables["all_ticks"]["StorageDescriptor"]["SerdeInfo"] == serde


def test_a_changed_view_keeps_the_boundary_of_compaction() -> None:
    glue = made()
    marks = CompactionState(
        "2026-11-20", "2026-11-21T06:30:00.000000Z", months=("2025-01",), due={}
    )
    view = glue.tables["all_ticks"]
    view |= {"ViewOriginalText": "of an older version"}
    view["Parameters"] |= parameters_of(marks)
    make_lake(glue, Athena(), HERE)
    columns = [(c["Name"], c["Type"]) for c in view["StorageDescriptor"]["Columns"]]
    wanted = lake_sql.all_ticks("2026-11-20", ("2025-01",))
    found = glue.tables["all_ticks"]
    assert found["ViewOriginalText"] == view_text(HERE.database, wanted, columns)
    assert found["Parameters"] == view["Parameters"]
