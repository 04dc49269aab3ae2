"""Measures CPU seconds of this process: medians over rounds that alternate between the cases.

The machines are shared, so absolute times drift, and compared cases have to run in turn.
"""

from __future__ import annotations

import cProfile
import gc
import os
import pstats
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any


def alternate(cases: Mapping[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Run the cases in turn. Return each case's CPU seconds by round, after one uncounted round."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, run in cases.items():
            gc.collect()
            began = time.process_time()
            run()
            if number:
                found[name].append(time.process_time() - began)
    return found


def repeated(times: int, act: Callable[[], object]) -> Callable[[], None]:
    """Return a case that calls `act` several times."""

    def run() -> None:
        for _ in range(times):
            act()

    return run


def p95(values: list[float]) -> float:
    """Return the 95th percentile by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]


def timed(name: str, unit: str, values: list[float], digits: int | None = 1) -> dict[str, Any]:
    """Return a result with the median and the 95th percentile of `values`."""
    middle, most = round(median(values), digits), round(p95(values), digits)
    return {"name": name, "value": middle, "p95": most, "unit": unit}


def beside(made: dict[str, Any], theirs: list[float], target: int | None) -> dict[str, Any]:
    """Add the baseline's median to a result, and return the result. The ratio is the baseline's
    median divided by ours."""
    baseline = median(theirs)
    ratio = baseline / made["value"]
    made |= {"baseline": round(baseline, 2), "ratio": round(ratio, 1)}
    if target:
        made |= {"target": f"at least {target} times less", "holds": ratio >= target}
    return made


def compared(name: str, value: float, baseline: float, unit: str) -> dict[str, Any]:
    """Return the result of one measurement beside its baseline."""
    ratio = round(value / baseline, 4) if baseline else 0.0
    return {"name": name, "value": value, "unit": unit, "baseline": baseline, "ratio": ratio}


def profile(run: Callable[[], None], lines: int) -> None:
    """Call `run` twice and print a profile of the second call."""
    run()
    with cProfile.Profile() as taken:
        run()
    pstats.Stats(taken).sort_stats("tottime").print_stats(lines)


def output_of(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    seconds: float | None = None,
) -> str:
    """Run a program in a folder and return its output. Raises RuntimeError with the end of the
    program's errors if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-600:])
    return done.stdout


def resident_mb() -> float:
    """Return this process's resident memory in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
