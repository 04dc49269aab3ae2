"""Starts, watches and restarts the engine's process. The first query starts the process.

The emulator writes jobs and stops to the process as JSON lines and reads the queries' results.
While queries run, the process is watched. If a query exceeds its limits, the process is killed, and
the next query starts a new one.
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
    """A query that was passed to the engine.

    `began` and `stopped` are monotonic seconds: when the query began to run, and when a client
    stopped it. Each is None before that.
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
        """Return for how many seconds the query has gone on running after it was stopped."""
        return 0.0 if self.stopped is None else min(self.runs_for(now), now - self.stopped)


class EngineProcess:
    """Passes queries to the engine's process, and passes the engine's reports to `changed`."""

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
        """Pass a query to the engine's process, which is started if needed."""
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
                pass  # the process has just ended: `_listen` fails all its queries, also this one
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
                    with contextlib.suppress(BrokenPipeError):  # a part of a message is unsent
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
        """Return the ids of the queries that ended with a process, each with the reason.

        If the process was killed because of other queries, a new process runs the queries that had
        not begun. These are not returned.
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
        """Check the limits of the running queries until no query is left."""
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
        """Kill each process that exceeds a limit. Stop the queries that run for too long, and
        return their ids."""
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
