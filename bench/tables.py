"""Prints results for people, and stores them for programs."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

RESULTS = Path(__file__).parent / "results" / "latest.json"
PACKAGES = ("botocore", "boto3", "chalice", "moto", "msgspec")
FIELDS = ("name", "value", "unit", "baseline", "ratio", "target", "holds")
_WIDTH = 170

Result = dict[str, Any]


def machine() -> dict[str, str]:
    """Return the facts about this machine that affect results. They are the system, processor,
    cores, and the versions of Python and packages."""
    found = {
        "system": platform.system(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
    }
    return found | {name: version(name) for name in PACKAGES}


def _processor() -> str:
    """Return the CPU's name if Linux knows it, else the architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def keep(results: Sequence[Result], path: Path = RESULTS) -> Path:
    """Write the results to a file as a list. Return the path. Each result has all of FIELDS; fields
    that do not apply are null."""
    complete = [{name: result.get(name) for name in FIELDS} | result for result in results]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(complete, indent=2, ensure_ascii=False) + "\n")
    return path


def earlier(path: Path | None) -> dict[str, Result]:
    """Return the results of an earlier run by name; an empty mapping without a file. Raises
    OSError, ValueError, KeyError or TypeError for an invalid file."""
    if path is None:
        return {}
    return {str(result["name"]): result for result in json.loads(path.read_text())}


def table(results: Sequence[Result], before: Mapping[str, Result]) -> Table:
    """Return a table with a line for each result. If there are earlier results, each line also has
    the earlier value."""
    columns = ["value", "p95", "unit", "baseline", "ratio", "target", "holds"]
    shown = Table("benchmark", *columns, *(["before"] if before else []), title="Benchmarks")
    for result in results:
        cells = [_cell(result.get(name)) for name in ("name", *columns[:-1])]
        cells.append({True: "yes", False: "NO"}.get(result.get("holds"), ""))  # type: ignore[arg-type]
        if before:
            cells.append(change(result, before.get(result["name"], {})))
        shown.add_row(*cells)
    return shown


def _cell(value: object) -> str:
    return "" if value is None else escape(str(value))


def change(result: Result, before: Result) -> str:
    """Return the earlier value and the change since then in percent; "" without an earlier
    value."""
    now, then = result.get("value"), before.get("value")
    if not isinstance(now, int | float) or not isinstance(then, int | float) or not then:
        return _cell(then)
    return f"{then} ({(now - then) / abs(then):+.0%})"


def report(
    results: Sequence[Result], before: Mapping[str, Result], failures: Mapping[str, str]
) -> None:
    """Print the table, the machine, the failures and the missed targets."""
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    console.print(table(results, before))
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()))
    for name, why in failures.items():
        console.print(f"could not run {name}: {escape(why)}")
    short = [result for result in results if result.get("holds") is False]
    console.print("Targets that fall short:" if short else "No target falls short.")
    for result in short:
        ratio = f", ratio {result['ratio']}" if result.get("ratio") is not None else ""
        value = f"{result['value']} {result.get('unit', '')}{ratio}"
        console.print(escape(f"  {result['name']}: {value}; target {result.get('target')}"))
