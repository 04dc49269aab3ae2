"""The engine's process: started by the first query, so that a system without any pays nothing.

It talks JSON, a line a message: a job or a stop in, what became of a query out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.aws_environment import Keys, keys_for_child

ENDED = "INTERNAL_ERROR: the query engine ended by itself"


class EngineProcess:
    """Hands queries to the process and passes on what it tells; starts it when there is none."""

    def __init__(self, changed: Callable[[str, dict[str, Any]], None], keys: Keys) -> None:
        self.port = 0
        self._keys = keys
        self._changed = changed
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._running: dict[str, subprocess.Popen[bytes] | None] = {}

    def run(self, job: dict[str, Any]) -> None:
        """Start a query."""
        with self._guard:
            self._running[job["id"]] = self._send({"run": job})

    def stop_query(self, number: str) -> None:
        """Interrupt a query."""
        with self._guard:
            if number in self._running:
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
                pass  # it has just ended; its reader fails what was running, this query too
        return process

    def _started(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "local.athena.engine", "--port", str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **keys_for_child(self._keys)},
            cwd=Path(__file__).resolve().parents[2],
        )
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        return process

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        for line in process.stdout or ():
            change = json.loads(line)
            if change["state"] != "RUNNING":
                with self._guard:
                    self._running.pop(change["id"], None)
            self._changed(change.pop("id"), change)
        process.wait()
        with self._guard:
            lost = [number for number, one in self._running.items() if one is process]
            for number in lost:
                del self._running[number]
        for number in lost:
            self._changed(number, {"state": "FAILED", "reason": ENDED})
