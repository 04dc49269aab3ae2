"""Paths and files in the working tree that a deployment uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
CHALICE = ROOT / ".chalice"
PAGE = ROOT / "frontend"


def resources() -> dict[str, Any]:
    """Return the content of `infra/resources.json`."""
    found: dict[str, Any] = json.loads((INFRA / "resources.json").read_text())
    return found


def variables_file(stage: str) -> Path:
    """Return the path of a stage's variables, which began as a copy of a file in
    `infra/examples`."""
    return INFRA / "stages" / f"{stage}.tfvars"


def deployed_file(stage: str) -> Path:
    """Return the path of the file in which Chalice records what it has deployed."""
    return CHALICE / "deployed" / f"{stage}.json"
