"""Limits of the engine's process. The emulator kills the process if a query exceeds them.

While DuckDB plans a statement such as `SELECT cardinality(sequence(1, 1000000000))`, it neither
stops nor obeys its memory limit.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec

STOPPED = (
    "INTERNAL_ERROR: the query engine was killed, since a stopped query kept running; "
    "run this one again"
)
TIMED_OUT = "Query timeout"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def _memory() -> int:
    """Return half of the machine's memory, at most 4 GB: four times DuckDB's limit per query."""
    return min(4 * 1024**3, os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES // 2)


class EngineLimits(msgspec.Struct, frozen=True):
    """Limits of the engine's process, which are checked every `look_seconds`.

    A query may run for `query_seconds` (Athena's 30 minutes). A stopped query has `stop_seconds` to
    end. `memory_bytes` is the most memory that the process may use.
    """

    stop_seconds: float = 30.0
    query_seconds: float = 30 * 60.0
    memory_bytes: int = _memory()
    look_seconds: float = 0.25

    @property
    def exhausted(self) -> str:
        """Return the reason why queries fail if the process exceeds `memory_bytes`."""
        return (
            "EXCEEDED_MEMORY_LIMIT: Query exhausted resources at this scale factor; the query "
            f"engine held more than {self.memory_bytes / 1024**3:.1f} GB"
        )


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process in bytes, or 0 if the process has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self").exists():
            return 0
    done = subprocess.run(  # noqa: S603  # macOS has no /proc
        ["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=False
    )
    return int(done.stdout.strip() or 0) * 1024
