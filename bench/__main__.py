"""`python -m bench [NAME ...]`: runs the benchmarks, prints their table, keeps the results.

Every module of this folder that has a `measure()` is a benchmark. It returns results as
dictionaries: name, value, unit, baseline (of the same run), ratio, target, holds. Options:

    --compare FILE   show the values of an earlier results file beside
    --list           only name the benchmarks
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import bench

RESULTS = Path(__file__).parent / "results" / "latest.json"
PACKAGES = ("botocore", "chalice", "moto", "msgspec")
Result = dict[str, Any]


def benchmarks() -> list[str]:
    """Names of the modules that measure something."""
    names = [module.name for module in pkgutil.iter_modules(bench.__path__)]
    return [name for name in names if _measures(name)]


def _measures(name: str) -> bool:
    source = Path(__file__).with_name(f"{name}.py")
    return source.exists() and "\ndef measure(" in source.read_text()


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    found = {"python": platform.python_version(), "cores": str(os.cpu_count())}
    return found | {"system": platform.system()} | {name: version(name) for name in PACKAGES}


def table(results: list[Result], earlier: dict[str, Result]) -> Table:
    """The results as people read them."""
    columns = ["benchmark", "value", "p95", "unit", "baseline", "ratio", "target", "holds"]
    shown = Table(*columns, *(["before"] if earlier else []), title="Benchmarks")
    for result in results:
        cells = [str(result.get(column, "")) for column in ["name", *columns[1:-1]]]
        cells.append({True: "yes", False: "NO"}.get(result.get("holds", ""), ""))
        before = [str(earlier.get(result["name"], {}).get("value", ""))] if earlier else []
        shown.add_row(*cells, *before)
    return shown


def _earlier(path: Path | None) -> dict[str, Result]:
    if path is None:
        return {}
    return {result["name"]: result for result in json.loads(path.read_text())["results"]}


def main(arguments: list[str]) -> int:
    """Exit status: 0 always when all ran; targets that fall short are said, not failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--compare", type=Path, metavar="FILE")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args(arguments)
    known = benchmarks()
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        print(
            f"python -m bench: unknown: {', '.join(unknown)}; known: {', '.join(known)}",
            file=sys.stderr,
        )
        return 2
    if options.list:
        print("\n".join(known))
        return 0
    results: list[Result] = []
    for name in options.names or known:
        print(f"measuring {name}", file=sys.stderr)
        results += importlib.import_module(f"bench.{name}").measure()
    _report(results, _earlier(options.compare))
    return 0


def _report(results: list[Result], earlier: dict[str, Result]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table(results, earlier))
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()))
    short = [result["name"] for result in results if result.get("holds") is False]
    console.print(f"fall short of their target: {', '.join(short) or 'none'}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine(), "results": results}, indent=2) + "\n")
    console.print(f"kept in bench/results/{RESULTS.name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
