"""What a query may take before the engine's process is ended: DuckDB neither stops nor keeps to its
memory limit where it computes while it plans (`SELECT cardinality(sequence(1, 1000000000))`)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec

STOPPED = (
    "INTERNAL_ERROR: the query engine was ended, since a query that was stopped went on; "
    "run this one again"
)
TIMED_OUT = "Query timeout"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def _memory() -> int:
    """Half of the machine's memory, and at most 4 GB: four queries of DuckDB's own limit."""
    return min(4 * 1024**3, os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES // 2)


class EngineLimits(msgspec.Struct, frozen=True):
    """Seconds that a stopped query has to end, seconds that a query may run (Athena's 30 minutes),
    bytes of memory of the engine's process, and seconds between two looks."""

    stop_seconds: float = 5.0
    query_seconds: float = 30 * 60.0
    memory_bytes: int = _memory()
    look_seconds: float = 0.25

    @property
    def exhausted(self) -> str:
        """The reason of queries that ran while there was too little memory."""
        return (
            "EXCEEDED_MEMORY_LIMIT: Query exhausted resources at this scale factor; the query "
            f"engine held more than {self.memory_bytes / 1024**3:.1f} GB"
        )


def resident_bytes(pid: int) -> int:
    """The memory that a process holds; 0 once it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (FileNotFoundError, ProcessLookupError):  # the second, once it is open
        if Path("/proc/self").exists():
            return 0
    done = subprocess.run(  # noqa: S603  # macOS has no /proc
        ["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=False
    )
    return int(done.stdout.strip() or 0) * 1024
