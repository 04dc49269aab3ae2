"""The container and the service: what they name is there, and the copied files suffice."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from producer.arguments import parse
from tests.patience import PATIENCE_SECONDS
from tests.producer_support.doubles import ROOT, environment

DEPLOY = ROOT / "producer" / "deploy"
_TO_STDOUT = ["--sink", "stdout"]
_PACKAGES = {"google": "yfinance", "pandas": "yfinance", "botocore": "boto3"}
"""Imports that come with another package of the list."""


def instructions(name: str) -> list[list[str]]:
    text = (DEPLOY / "Dockerfile").read_text()
    return [shlex.split(line)[1:] for line in text.splitlines() if line.startswith(f"{name} ")]


def test_the_copied_files_run_the_producer(tmp_path: Path) -> None:
    copied = [parts for parts in instructions("COPY") if "requirements.txt" not in parts[0]]
    assert len(copied) >= 3
    for source, target in copied:
        path, goal = ROOT / source, tmp_path / target
        if path.is_dir():
            shutil.copytree(path, goal)
        else:
            goal.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, goal)
    empty = tmp_path / "archive"
    (empty / "date=2026-11-20").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "producer", "replay", str(empty), *_TO_STDOUT],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(),
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert "no raw archive of those days" in done.stderr


def test_the_container_installs_everything_that_is_imported() -> None:
    listed = set(
        re.findall(r"^([a-z0-9-]+)", (DEPLOY / "requirements.txt").read_text(), re.MULTILINE)
    )
    known = {*sys.stdlib_module_names, "producer", "untrusted", "chalicelib"}
    paths = [path for top in ("producer", "untrusted") for path in (ROOT / top).rglob("*.py")]
    for path in paths:
        for name in imported(path) - known:
            assert _PACKAGES.get(name, name).replace("_", "-") in listed, (path, name)


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_both_start_with_flags_that_there_are() -> None:
    unit = (DEPLOY / "ticktape-producer.service").read_text()
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    arguments = shlex.split(command)[3:]
    arguments[arguments.index("--config") + 1] = str(DEPLOY / "producer.toml")
    assert parse(arguments).drain == 20
    (started,) = instructions("CMD")
    options = parse(re.findall(r"[^\[\], ]+", " ".join(started)))
    assert (options.symbols, options.spool) == ("tracked", "/var/lib/ticktape/spool.db")
