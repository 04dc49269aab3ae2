"""`python -m bench [NAME ...]`: runs the benchmarks, prints their tables, stores the results.

Every module of this folder that has a `measure()` is a benchmark. `measure()` returns results as
dictionaries: name, value, unit, and optionally baseline (of the same run), ratio, target, holds.
Each benchmark runs in its own process. If it fails, its reason is reported and the others go on.
Options:

    --compare FILE   also show the values of an earlier results file
    --skip NAME      leave out a benchmark (may be repeated)
    --list           only list the names of the benchmarks
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.running import benchmarks, run_one
from bench.tables import earlier, keep, report

TIMEOUT_SECONDS = 1800


def main(arguments: list[str]) -> int:
    """Run the benchmarks and return the exit status. It is 0 if all benchmarks ran, even if targets
    were missed; 1 if one could not run; 2 for invalid arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--compare", type=Path, metavar="FILE")
    parser.add_argument("--skip", action="append", default=[], metavar="NAME")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args(arguments)
    known = benchmarks()
    unknown = sorted({*options.names, *options.skip} - set(known))
    if unknown:
        return _refused(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    try:
        before = earlier(options.compare)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return _refused(f"--compare {options.compare}: no results of an earlier run: {error}")
    if options.list:
        print("\n".join(known))
        return 0
    return _run([name for name in options.names or known if name not in options.skip], before)


def _refused(reason: str) -> int:
    print(f"python -m bench: {reason}", file=sys.stderr)
    return 2


def _run(names: list[str], before: dict[str, dict[str, object]]) -> int:
    results = []
    failures: dict[str, str] = {}
    for name in names:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        ran = run_one(name, TIMEOUT_SECONDS)
        results += ran.results
        if ran.failure:
            failures[name] = ran.failure
            print(f"  failed: {ran.failure}", file=sys.stderr)
    kept = keep(results)
    report(results, before, failures)
    print(f"kept in {kept}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
