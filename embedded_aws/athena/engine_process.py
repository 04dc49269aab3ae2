"""Manages the engine's process. The first query starts it, so that systems without queries pay
nothing.

The process exchanges JSON lines: jobs and stops in, results of queries out. While queries run it is
watched, and killed if one of them exceeds its limits; the next query starts it again.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from embedded_aws.athena.engine_limits import STOPPED, TIMED_OUT, EngineLimits, resident_bytes
from embedded_aws.environment import Keys, keys_for_child

ENDED = "INTERNAL_ERROR: the query engine ended by itself"
COMMAND = (sys.executable, "-m", "embedded_aws.athena.engine", "--port")

Changed = Callable[[str, dict[str, Any]], None]


class _Run:
    """A query passed to the engine.

    `began` and `stopped` are monotonic seconds: when the query started to run, and when it was
    asked to stop. Each is None before that.
    """

    def __init__(self, job: dict[str, Any], process: subprocess.Popen[bytes]) -> None:
        self.job = job
        self.process = process
        self.began: float | None = None
        self.stopped: float | None = None

    def runs_for(self, now: float) -> float:
        """Return the seconds since the query began."""
        return 0.0 if self.began is None else now - self.began

    def goes_on_for(self, now: float) -> float:
        """Return the seconds that the query has run after being stopped."""
        return 0.0 if self.stopped is None else min(self.runs_for(now), now - self.stopped)


class EngineProcess:
    """Passes queries to the process and its reports to the caller. Starts it if needed."""

    def __init__(
        self,
        changed: Changed,
        keys: Keys,
        limits: EngineLimits | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.port = 0
        self._keys = keys
        self._changed = changed
        self._limits = limits or EngineLimits()
        self._command = command
        self._guard = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._running: dict[str, _Run] = {}
        self._reasons: dict[int, str] = {}
        self._watched = False

    def run(self, job: dict[str, Any]) -> None:
        """Pass a query to the process, which is started if needed."""
        with self._guard:
            self._running[job["id"]] = _Run(job, self._send({"run": job}))
            if not self._watched:
                self._watched = True
                threading.Thread(target=self._watch, name="engine-watch", daemon=True).start()

    def stop_query(self, number: str) -> None:
        """Interrupt a query; if the query does not end soon, kill the process."""
        with self._guard:
            run = self._running.get(number)
            if run is not None and run.stopped is None:
                run.stopped = time.monotonic()
                self._send({"stop": number})

    def _send(self, message: dict[str, Any]) -> subprocess.Popen[bytes]:
        process = self._process
        if process is None or process.poll() is not None:
            process = self._process = self._started()
        if process.stdin is not None:
            try:
                process.stdin.write(json.dumps(message).encode() + b"\n")
                process.stdin.flush()
            except BrokenPipeError:
                pass  # it has just ended; its reader fails all running queries, including this one
        return process

    def _started(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603
            [*self._command, str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **keys_for_child(self._keys)},
            cwd=Path(__file__).resolve().parents[2],
        )
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        return process

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        for line in process.stdout or ():
            self._take(json.loads(line))
        process.wait()
        self._close(process)
        for number, reason in self._lost(process):
            self._changed(number, {"state": "FAILED", "reason": reason})

    def _close(self, process: subprocess.Popen[bytes]) -> None:
        with self._guard:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):  # the rest of a message
                        pipe.close()

    def _take(self, change: dict[str, Any]) -> None:
        number = change.pop("id")
        with self._guard:
            if change["state"] != "RUNNING":
                self._running.pop(number, None)
            elif run := self._running.get(number):
                run.began = time.monotonic()
        self._changed(number, change)

    def _lost(self, process: subprocess.Popen[bytes]) -> list[tuple[str, str]]:
        """Return the ids of the queries that ended with a process, and why.

        If the process was killed because of other queries, those that had not begun are passed to a
        new process instead.
        """
        with self._guard:
            lost = [run for run in self._running.values() if run.process is process]
            for run in lost:
                del self._running[run.job["id"]]
            reason = self._reasons.pop(process.pid, None)
            again = [run for run in lost if reason and run.began is None and run.stopped is None]
            for run in again:
                self.run(run.job)
            return [(run.job["id"], reason or ENDED) for run in lost if run not in again]

    def _watch(self) -> None:
        """Check the running queries as long as there are any."""
        while True:
            with self._guard:
                if not self._running:
                    self._watched = False
                    return
                timed_out = self._look(time.monotonic())
            for number in timed_out:
                self._changed(number, {"state": "FAILED", "reason": TIMED_OUT})
            time.sleep(self._limits.look_seconds)

    def _look(self, now: float) -> list[str]:
        """Kill processes that exceed a limit. Stop queries that take too long, and return the ids
        of these queries."""
        timed_out = []
        for number, run in self._running.items():
            if run.goes_on_for(now) > self._limits.stop_seconds:
                self._end(run.process, STOPPED)
            elif run.stopped is None and run.runs_for(now) > self._limits.query_seconds:
                self.stop_query(number)
                timed_out.append(number)
        for process in {run.process for run in self._running.values()}:
            if resident_bytes(process.pid) > self._limits.memory_bytes:
                self._end(process, self._limits.exhausted)
        return timed_out

    def _end(self, process: subprocess.Popen[bytes], reason: str) -> None:
        if process.poll() is None:
            self._reasons.setdefault(process.pid, reason)
            process.kill()
