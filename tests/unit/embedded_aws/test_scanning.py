"""How a scan finds the partitions of a projected table."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc
import pytest

from embedded_aws.athena.engine import catalog
from embedded_aws.athena.engine.catalog import Catalog, Table
from embedded_aws.athena.engine.object_cache import ObjectCache
from embedded_aws.athena.engine.requests import Meter
from embedded_aws.athena.engine.scanning import Lake, LakeTable

PARAMETERS = {
    "projection.enabled": "true",
    "projection.hour.type": "integer",
    "projection.hour.range": "0,23",
    "projection.hour.digits": "2",
}
TABLE = Table(
    *("lake", "raw", "EXTERNAL_TABLE", (("symbol", "string"),), (("hour", "string"),)),
    *("s3://lake/raw/", "org.openx.data.jsonserde.JsonSerDe", {}, PARAMETERS, ""),
)


class Objects:
    """An S3 that has one object in the hour 03."""

    def names(self, _address: str) -> list[str]:
        """Return the keys."""
        return ["raw/hour=03/a.json"]


def test_the_values_of_a_projection_are_listed_once_for_a_scan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    listed = catalog._allowed

    def allowed(table: Table, name: str) -> list[str]:
        asked.append(name)
        return listed(table, name)

    monkeypatch.setattr(catalog, "_allowed", allowed)
    aws: Any = Objects()
    cache: Any = ObjectCache
    lake = Lake(aws, Catalog(aws), cache, cache, Meter(None))
    table = LakeTable(TABLE, lake, "rows")
    table.scanner(["symbol"], pc.field("hour") >= "20")
    assert (asked, lake.meter.lists) == (["hour"], 4)
