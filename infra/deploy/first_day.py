"""The day from which on SQL looks for the archive's objects.

Athena asks S3 for a list of each hour that a statement's days may have. A stage begins with the
day of its first deployment, which stays in Terraform's state for as long as the archive does.
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
    """Of a stage whose state is this, as `terraform show -json` prints it.

    A stage whose archive was made by a version that kept no day has that version's one.
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
