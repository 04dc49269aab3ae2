"""A system that was left running: its processes do not grow with the ticks that pass through.

Six hours of 25 symbols each 15 s, at ten times the pace, are 360,000 ticks; they come here at a
hundred a second. On a machine that stores fewer, the producer grows by what waits in it.
TICKTAPE_LEFT_RUNNING_TICKS asks for another number of ticks.
"""

from __future__ import annotations

import os
import re
import statistics
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_support.system import LocalSystem, local_system

TICKS = int(os.environ.get("TICKTAPE_LEFT_RUNNING_TICKS", "360000"))
MOST_BYTES_A_TICK = 40.0
"""14 MB in six hours at ten times the pace. What a process kept of every tick would be more."""

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def stored(system: LocalSystem) -> int:
    """Ticks stored so far, as the terminal says."""
    found = re.findall(r"([\d,]+) ticks? and [\d,]+ bars? stored", system.output())
    return int(found[-1].replace(",", "")) if found else 0


def resident(process: int) -> int:
    """A process's memory, in bytes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE_BYTES


def named(system: LocalSystem) -> dict[str, int]:
    """The processes that live as long as the system does, by what they do."""
    found = {"system": system.process.pid}
    for process in system.descendants():
        command = Path(f"/proc/{process}/cmdline").read_text().split("\0")
        name = next((n for n in ("embedded_aws.server", "producer") if n in command), None)
        if name is not None:
            found[name] = process
    return found


def sampled(system: LocalSystem, ticks: int) -> Iterator[tuple[int, dict[str, int]]]:
    """Yield memory by process at each new count in the terminal, up to `ticks`."""
    processes = named(system)
    assert set(processes) == {"system", "embedded_aws.server", "producer"}
    count = 0
    while count < ticks:
        assert system.process.poll() is None, system.output()[-2000:]
        threading.Event().wait(0.5)
        if (now := stored(system)) != count:
            count = now
            yield count, {name: resident(pid) for name, pid in processes.items()}


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
def test_memory_is_flat_over_six_hours_at_ten_times_the_pace(tmp_path: Path) -> None:
    arguments = ("--source", "simulator", "--interval", "0.25", "--data", str(tmp_path / "data"))
    with local_system(*arguments, temporary=tmp_path) as system:
        system.until(lambda: stored(system), seconds=600.0)
        samples = [one for one in sampled(system, TICKS) if one[0] > TICKS / 3]
    counts = [count for count, _ in samples]
    slopes = {
        name: statistics.linear_regression(counts, [memory[name] for _, memory in samples]).slope
        for name in samples[0][1]
    }
    print({name: f"{slope:.1f} bytes a tick" for name, slope in slopes.items()}, len(samples))
    assert max(slopes.values()) <= MOST_BYTES_A_TICK, slopes
