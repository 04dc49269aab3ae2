"""Runs the query engine: `python -m embedded_aws.athena.engine --port 4566`.

The engine reads jobs as JSON lines from standard input and writes each job's progress as JSON lines
to standard output. The engine ends when the emulator closes the engine's standard input.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from embedded_aws.athena.engine.aws import Aws
from embedded_aws.athena.engine.failures import QueryError, ScanLimitError, StoppedError
from embedded_aws.athena.engine.own_folders import own_folder, remove_left
from embedded_aws.athena.engine.running import Change, Runner
from embedded_aws.environment import keys_from_parent

AT_ONCE = 4
_TOO_DEEP = "SYNTAX_ERROR: the statement is nested too deeply"


class Engine:
    """Runs jobs in parallel, and stops jobs on request."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._room = threading.Semaphore(AT_ONCE)
        self._guard = threading.Lock()
        self._stopped: set[str] = set()
        self._connections: dict[str, Any] = {}

    def take(self, message: dict[str, Any]) -> None:
        """Start or stop a job, as a message from the emulator says."""
        if "run" in message:
            threading.Thread(target=self._work, args=(message["run"],), daemon=True).start()
        else:
            self._stop(message["stop"])

    def _stop(self, number: str) -> None:
        with self._guard:
            self._stopped.add(number)
            if connection := self._connections.get(number):
                connection.interrupt()

    def _is_stopped(self, number: str) -> bool:
        with self._guard:
            return number in self._stopped

    def _work(self, job: dict[str, Any]) -> None:
        with self._room:
            change = self._result(job)
        with self._guard:
            self._stopped.discard(job["id"])
        self._tell(job["id"], change)

    @contextmanager
    def _connected(self, number: str) -> Iterator[Any]:
        """Lend a DuckDB connection to a job, so that `_stop` can interrupt the job. Raises
        StoppedError if the job has been stopped already."""
        with self._runner.sessions.borrowed() as connection:
            with self._guard:
                self._connections[number] = connection
            try:
                if self._is_stopped(number):
                    raise StoppedError
                yield connection
            finally:
                with self._guard:
                    del self._connections[number]

    def _result(self, job: dict[str, Any]) -> Change:
        number = job["id"]
        try:
            with self._connected(number) as connection:
                self._tell(number, {"state": "RUNNING"})
                return self._runner.run(job, connection, lambda: self._is_stopped(number))
        except ScanLimitError as error:
            change: Change = {"state": "CANCELLED", "reason": str(error)}
        except QueryError as error:
            change = {"state": "FAILED", "reason": str(error)}
        except (duckdb.InterruptException, StoppedError):
            change = {"state": "CANCELLED", "reason": "Query cancelled by user"}
        except RecursionError:
            change = {"state": "FAILED", "reason": _TOO_DEEP}
        except Exception as error:  # noqa: BLE001  # reported to the client
            change = {
                "state": "FAILED",
                "reason": f"INTERNAL_ERROR: {type(error).__name__}: {error}",
            }
        if "meter" in job:
            change["statistics"] = {"DataScannedInBytes": job["meter"].bytes}
        return change

    def _tell(self, number: str, change: Change) -> None:
        line = json.dumps({"id": number, **change}) + "\n"
        with self._guard:
            sys.stdout.write(line)
            sys.stdout.flush()


def main(arguments: list[str]) -> None:
    """Run jobs until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m embedded_aws.athena.engine")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args(arguments).port
    remove_left()
    with own_folder() as folder:
        engine = Engine(Runner(Aws(port, keys_from_parent(os.environ)), folder))
        for line in sys.stdin:
            engine.take(json.loads(line))


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # a query that still runs has no client any more
