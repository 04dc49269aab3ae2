"""Runs each benchmark in its own process, so that benchmarks cannot affect one another.

Memory, caches, environment and failures are separate.

    python -m bench.running NAME     results as JSON in the last line of output
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import bench

ROOT = Path(__file__).resolve().parents[1]
Result = dict[str, Any]


class Ran(NamedTuple):
    """The results of a benchmark. If it failed, `failure` has the reason."""

    results: list[Result]
    failure: str = ""


def benchmarks() -> list[str]:
    """Return the names of the modules that have a function `measure`."""
    names = [module.name for module in pkgutil.iter_modules(bench.__path__)]
    return [name for name in names if _measures(Path(__file__).with_name(f"{name}.py"))]


def _measures(source: Path) -> bool:
    return source.exists() and "\ndef measure(" in source.read_text()


def run_one(name: str, timeout_seconds: float) -> Ran:
    """Run one benchmark in a process. Return its results, or why it failed."""
    command = [sys.executable, "-m", "bench.running", name]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return Ran([], f"not done within {timeout_seconds:g} s")
    if done.returncode:
        return Ran([], reason(done.stderr) or f"ended with status {done.returncode}")
    return Ran(json.loads(done.stdout.strip().splitlines()[-1]))


def reason(said: str) -> str:
    """Return why a process failed. This is the last line that names an error, or else the last line
    of the output. Playwright and others print boxes after the error."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    named = [line for line in lines if "Error" in line.partition(":")[0]]
    return (named or lines or [""])[-1][:300]


if __name__ == "__main__":
    found = importlib.import_module(f"bench.{sys.argv[1]}").measure()
    print(json.dumps(found))
