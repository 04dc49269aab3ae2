"""Checks pinned packages for known vulnerabilities: `python -m tools.audit`.

The vulnerabilities come from OSV (https://osv.dev), whose API takes all packages in one request.
The exit status is 1 if there are any, and 0 with a message if OSV does not answer.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILES = (
    "requirements.txt",
    "requirements/run.txt",
    "requirements/dev.txt",
    "requirements/checkov.txt",
    "requirements/ministack.txt",
    "requirements/backtesting.txt",
    "requirements/services.txt",
    "requirements/uv.txt",
    "producer/collector/requirements.txt",
    "producer/deploy/requirements.txt",
)
SERVICE = "https://api.osv.dev/v1/querybatch"
PATIENCE_SECONDS = 20

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)")

Pin = tuple[str, str]


def pins(lines: Iterable[str]) -> set[Pin]:
    """Return the name, in lower case, and the version of each pinned requirement."""
    return {(found[1].lower(), found[2]) for line in lines if (found := _PIN.match(line))}


def question(pinned: list[Pin]) -> bytes:
    """Return the body of a request to OSV about these packages."""
    queries = [
        {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
        for name, version in pinned
    ]
    return json.dumps({"queries": queries}).encode()


def vulnerable(pinned: list[Pin], answer: dict[str, Any]) -> list[str]:
    """Return a line for each package with known vulnerabilities. `answer` holds a result for each
    package in `pinned`, in order."""
    return [
        f"{name} {version}: {', '.join(found['id'] for found in result['vulns'])}"
        for (name, version), result in zip(pinned, answer["results"], strict=True)
        if result.get("vulns")
    ]


def ask(body: bytes, url: str = SERVICE) -> dict[str, Any]:
    """Return the answer of OSV. Raises OSError without an answer, ValueError if it is not JSON."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310  # nosec B310 - a constant address
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:  # noqa: S310  # nosec B310 - likewise
        found: dict[str, Any] = json.load(response)
    return found


def main() -> int:
    """Check all pinned packages and print the result. Return the exit status."""
    lines = [line for name in FILES for line in (ROOT / name).read_text().splitlines()]
    pinned = sorted(pins(lines))
    try:
        found = vulnerable(pinned, ask(question(pinned)))
    except (OSError, ValueError) as error:
        print(f"audit: skipped, {SERVICE} does not answer ({error})", file=sys.stderr)
        return 0
    print(
        f"audit: {len(pinned)} packages, {len(found)} with known vulnerabilities", file=sys.stderr
    )
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
