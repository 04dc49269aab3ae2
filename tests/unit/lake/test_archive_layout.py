"""One module names the archive's objects, and one declares the lake's columns."""

from __future__ import annotations

import re

import pytest

from chalicelib.domain.archive_layout import (
    RAW,
    BatchName,
    arrival_day,
    arrival_name,
    batch_name,
    hour_of,
    is_merged,
    merged_name,
    parsed,
    quarantine_key,
    raw_name,
)
from chalicelib.services.lake.columns import SHARED
from tools import lake_file

ARRIVAL = "2026-11-20T15:30:00.123456Z"
FOLDER = "date=2026-11-20/hour=15/"


def test_the_name_of_a_batch_is_parsed_as_it_was_made() -> None:
    name = arrival_name(ARRIVAL, batch_name("shard-1", ["7", "9"], [b"{}"]))
    assert re.fullmatch(rf"{FOLDER}shard-1-7\.[0-9a-f]{{16}}-9\.json\.gz", name)
    assert parsed(name) == BatchName(FOLDER, "shard-1", 7, 9)
    assert raw_name(RAW + name) == (name, "2026-11-20", "15")
    assert (arrival_day(RAW + name), hour_of(FOLDER[:-1])) == ("2026-11-20", ("2026-11-20", "15"))
    assert not is_merged(name)


def test_the_name_of_a_batch_depends_on_its_contents() -> None:
    assert batch_name("s", ["7"], [b"a"]) != batch_name("s", ["7"], [b"b"])


def test_a_merged_object_is_numbered_like_its_members() -> None:
    name = merged_name(FOLDER, 7, 30, ["b", "a"])
    assert name == merged_name(FOLDER, 7, 30, ["a", "b"])
    assert is_merged(name)
    assert parsed(name) == BatchName(FOLDER, "merged", 7, 30)


@pytest.mark.parametrize("name", [f"{FOLDER}shard-7.json.gz", f"{FOLDER}s-7-9.json", "notes"])
def test_other_names_are_not_parsed(name: str) -> None:
    assert parsed(name) is None


def test_quarantine_has_no_hours() -> None:
    assert quarantine_key("2026-11-20", "s-7-9") == "quarantine/date=2026-11-20/s-7-9.json"


def test_sql_reads_the_last_number_of_a_name() -> None:
    name = arrival_name(ARRIVAL, batch_name("shard-1", ["7", "9"], [b"{}"]))
    pattern = SHARED["number"].split("'")[1]
    found = re.search(pattern, f"s3://bucket/{RAW}{name}")
    assert found is not None
    assert found[1] == "9"


def test_terraform_has_the_declared_columns() -> None:
    assert lake_file.FILE.read_text() == lake_file.text(), "run .venv/bin/python -m tools.lake_file"
