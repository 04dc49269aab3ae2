"""From which day on SQL looks for the archive's objects."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from infra.deploy.first_day import first_day
from infra.deploy.terraform import Terraform

TODAY = date(2026, 11, 22)


def state(*resources: dict[str, Any]) -> dict[str, Any]:
    """Return Terraform's output of a state with these resources in a module."""
    module = {"child_modules": [{"resources": list(resources)}]}
    return {"format_version": "1.0", "values": {"root_module": module}}


KEPT = {"address": "terraform_data.first_day", "values": {"input": "2026-03-01"}}
BUCKET = {"address": 'module.data_bucket["archive"].aws_s3_bucket.bucket', "values": {}}
TABLE = {"address": 'aws_dynamodb_table.data["prices"]', "values": {}}


@pytest.mark.parametrize(
    ("found", "day"),
    [
        ({"format_version": "1.0"}, "2026-11-22"),
        (state(TABLE), "2026-11-22"),
        (state(BUCKET, TABLE), "2024-01-01"),
        (state(KEPT, BUCKET), "2026-03-01"),
    ],
)
def test_stage_begins_today_unless_its_archive_is_older(found: dict[str, Any], day: str) -> None:
    assert first_day(found, TODAY) == day


def test_stages_own_variables_win_over_the_day_of_its_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Terraform, "_read", lambda *_: '{"format_version": "1.0"}')
    stage, day, file = Terraform("dev", confirmed=True)._variables()
    assert (stage, day[:16]) == ("-var=stage=dev", "-var=first_day=2")
    assert file.startswith("-var-file=")  # Terraform takes the last of several
