"""What import-linter cannot check: the module `app`, and its coverage of every folder."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


def tool(name: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][name]
    return found


def folders_of_code() -> set[str]:
    """Top-level folders with Python in them, as far as they belong to the project."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name.split("/")[0] for name in listed.stdout.split() if "/" in name}


def test_every_folder_is_watched() -> None:
    folders = folders_of_code()
    assert {"chalicelib", "embedded_aws", "infra", "tools"} <= folders
    assert set(tool("importlinter")["root_packages"]) == folders - {"tests"}
    assert set(tool("mypy")["files"]) == {*folders, "app.py"}


def test_app_imports_the_package_and_nothing_that_runs_beside_it() -> None:
    imported = set()
    for node in ast.walk(ast.parse((ROOT / "app.py").read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
    assert imported & folders_of_code() == {"chalicelib"}
