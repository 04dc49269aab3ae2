"""The model can fail: it finds each of a list of faults in a copy of the product."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.model.mutations import MUTATIONS, Mutation

ROOT = Path(__file__).parents[2]
PROGRAMS = 300
"""All of them pass without a fault."""

PINNED = "tests/model/test_found.py"


def mutant(mutation: Mutation, folder: Path) -> Path:
    """A tree with the fault: chalicelib copied, all else as it is here."""
    shutil.copytree(
        ROOT / "chalicelib", folder / "chalicelib", ignore=shutil.ignore_patterns("__pycache__")
    )
    mutation.apply(folder / "chalicelib")
    for name in ("tests", "rigs", "infra", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A module of Python's in the tree."""
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.long
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_model_finds(mutation: Mutation, tmp_path: Path) -> None:
    """By a program of test_found.py, else by one drawn at random; which one is printed."""
    folder = mutant(mutation, tmp_path)
    pinned = run(
        folder, "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", "--noconftest", PINNED
    )
    if pinned.returncode == 1:
        print(pinned.stdout)
        return
    assert pinned.returncode == 0, pinned.stdout + pinned.stderr
    drawn = run(folder, "tests.model.running", str(PROGRAMS))
    print(drawn.stdout)
    assert drawn.returncode == 1, f"{PROGRAMS} programs did not find it: {drawn.stderr}"
    assert "state.teardown()" in drawn.stdout, drawn.stdout


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_fault_can_be_put_in(mutation: Mutation, tmp_path: Path) -> None:
    path = tmp_path / mutation.file
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "chalicelib" / mutation.file, path)
    sound = ast.dump(ast.parse(path.read_text()))
    mutation.apply(tmp_path)
    assert ast.dump(ast.parse(path.read_text())) != sound
