"""Finds the first day on which a stage's archive may have objects.

Athena lists each hour of a statement's days on S3, so SQL begins with this day. It is the day of
the stage's first deployment, and Terraform's state holds it as long as the archive exists.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from infra.deploy.project import INFRA

ADDRESS = "terraform_data.first_day"
_DATA = "module.data_bucket"


def first_day(state: Mapping[str, Any], today: date) -> str:
    """Return a stage's first day, given its state as `terraform show -json` prints it.

    If an older version made the archive without storing a day, return the one in lake.json.
    """
    found = {one["address"]: one["values"] for one in _resources(state)}
    if ADDRESS in found:
        return str(found[ADDRESS]["input"])
    if any(address.startswith(_DATA) for address in found):
        return str(json.loads((INFRA / "lake.json").read_text())["first_date"])
    return today.isoformat()


def _resources(state: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    def of(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        yield from module.get("resources", ())
        for child in module.get("child_modules", ()):
            yield from of(child)

    if "values" in state:
        yield from of(state["values"]["root_module"])
