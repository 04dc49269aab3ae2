"""The embedded AWS keeps objects for as long as a deployment does by default."""

from __future__ import annotations

import re
from pathlib import Path

from infra.lifecycle_rules import KEPT_DAYS

INFRA = Path(__file__).resolve().parents[3] / "infra"


def test_objects_are_kept_as_long_as_terraform_keeps_them() -> None:
    variables = (INFRA / "variables.tf").read_text()
    days = {
        name: int(n) for name, n in re.findall(r"(\w+) += optional\(number, (\d+)\)", variables)
    }
    rules = (INFRA / "buckets.tf").read_text()
    found = re.findall(r'prefix = "([\w/]+)",.*?days = var\.retention_days\.(\w+)', rules)
    declared = {prefix: days[name] for prefix, name in found}
    kept = {prefix: n for bucket in KEPT_DAYS.values() for prefix, n in bucket.items()}
    assert kept == declared
