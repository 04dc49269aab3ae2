"""Runs the producer in a process: a deployment's command, or the collector's function."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from embedded_aws.process import end
from local.arguments import Options
from local.own_files import as_argument, history_command

STOP_SECONDS = 3.0
USAGE = 2


class Command(msgspec.Struct, frozen=True):
    """A module to run, its arguments, and additional variables of its environment."""

    module: str
    arguments: list[str]
    environment: dict[str, str] = {}


def commands(options: Options, environment: dict[str, str]) -> list[Command]:
    """Return the commands that run one after the other: the history's, then the source's."""
    found = []
    if options.history:
        history = history_command(options.history, options.source, options.symbols, options.reading)
        found.append(Command("producer", _into_sink(history, options, environment)))
    if options.source == "none":
        return found
    if options.collector == "lambda":
        return [*found, Command("local.collecting", [], collector(options, environment))]
    return [*found, Command("producer", command(options, environment))]


def collector(options: Options, environment: dict[str, str]) -> dict[str, str]:
    """Return the environment of the collector's function.

    Unset variables are empty, so that nothing is inherited from the user's shell.
    """
    is_stream = options.ingest == "kinesis"
    return {
        "STAGE": "local",
        "SYMBOLS_TABLE": environment["SYMBOLS_TABLE"],
        "TICKS_STREAM": environment["TICKS_STREAM"] if is_stream else "",
        "TICKS_QUEUE_URL": "" if is_stream else environment["TICKS_QUEUE_URL"],
        "COLLECTOR_SOURCE": options.source,
        "COLLECTOR_SYMBOLS": ",".join(options.symbols),
        "COLLECTOR_INTERVAL": options.interval or "",
        "COLLECTOR_TICKS_PER_RECORD": options.ticks_per_record or "",
        "COLLECTOR_FLUSH_SECONDS": options.flush_seconds or "",
    }


def command(options: Options, environment: dict[str, str]) -> list[str]:
    """Return the producer's arguments for these options and this environment."""
    if options.source == "replay":
        arguments = ["replay", as_argument(options.file), *options.reading]
        arguments += ["--speed", options.speed] if options.speed else []
        arguments += ["--alerts"] if options.alerts else []
    else:
        arguments = ["stream", "--source", options.source]
        arguments += ["--interval", options.interval] if options.interval else []
    if options.symbols:
        arguments += ["--symbols", ",".join(options.symbols)]
    if options.ticks_per_record:
        arguments += ["--ticks-per-record", options.ticks_per_record]
    if options.flush_seconds:
        arguments += ["--flush-seconds", options.flush_seconds]
    return _into_sink(arguments, options, environment)


def _into_sink(arguments: list[str], options: Options, environment: dict[str, str]) -> list[str]:
    if options.verbose:
        arguments = [*arguments, "--verbose"]
    if options.ingest == "kinesis":
        return [*arguments, "--sink", "kinesis", "--stream", environment["TICKS_STREAM"]]
    return [*arguments, "--sink", "sqs", "--queue-url", environment["TICKS_QUEUE_URL"]]


class Producer:
    """A running producer.

    A thread calls `status` with each status line, `said` with the event and text of each message to
    the user, and `ended` with the exit status. A stopped producer does not call `ended`.
    """

    def __init__(
        self,
        command: Command,
        *,
        status: Callable[[dict[str, Any]], None],
        said: Callable[[str, str], None],
        ended: Callable[[int], None],
    ) -> None:
        self._status, self._said, self._ended = status, said, ended
        self._stopping = False
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "embedded_aws.child", command.module, *command.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                **command.environment,
                "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
            },
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="producer", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def stop(self) -> None:
        """Ask the process to send its ticks and exit. Kill it after STOP_SECONDS."""
        self._stopping = True
        end(self._process, STOP_SECONDS)
        self._reader.join(1.0)
        self.forget()

    def forget(self) -> None:
        """Close the pipes of a process that has ended."""
        for pipe in (self._process.stdin, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _read(self) -> None:
        if self._process.stderr is None:
            return
        for line in self._process.stderr:
            self._take(line.rstrip())
        status = self._process.wait()
        if not self._stopping:
            self._ended(status)

    def _take(self, line: str) -> None:
        try:
            told = json.loads(line)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            self._said("problem", line)
        elif told.get("event") == "status":
            self._status(told)
        elif told.get("event") != "metrics":  # metrics for CloudWatch
            self._said(str(told.get("event")), str(told.get("message", "")))
