"""Paths in the working tree, and the names that Chalice gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
CHALICE = ROOT / ".chalice"
PAGE = ROOT / "frontend"


def resources() -> dict[str, Any]:
    """`infra/resources.json`."""
    found: dict[str, Any] = json.loads((INFRA / "resources.json").read_text())
    return found


def variables_file(stage: str) -> Path:
    """Return the settings of a stage's owner: a copy of a file of `infra/examples`."""
    return INFRA / "stages" / f"{stage}.tfvars"


def deployed_file(stage: str) -> Path:
    """Return Chalice's own record of its deployment."""
    return CHALICE / "deployed" / f"{stage}.json"
