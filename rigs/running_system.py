"""Starts `python -m local` on free ports, and ends it by its process id."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from commands import running_file
from commands.aws_environment import keys_of
from embedded_aws.environment import Keys
from producer.sources.simulator import HISTORY_DAYS, SYMBOLS
from rigs.ports import free_ports

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = START_SECONDS = 300.0
"""Everything takes seconds: this limit only ends hanging runs."""


SHOWN = SYMBOLS[:14]
"""More than the watch-list can show; history of all 25 takes twice as long."""


@dataclass(frozen=True)
class System:
    """A running local system: its addresses, token for writing, process and output."""

    api: str
    page: str
    token: str
    aws: str
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str) -> Any:
        """Return the decoded body of a GET request to the API. Raises HTTPError for an error
        status."""
        with urllib.request.urlopen(self.api + path, timeout=PATIENCE_SECONDS) as response:
            return json.load(response)

    @property
    def keys(self) -> Keys:
        """Return the keys with which clients sign requests to the system's AWS."""
        facts = json.loads((running_file.folder() / f"{self.process.pid}.json").read_text())
        found = keys_of(facts)
        assert found is not None, "a system whose API answers has a running file"
        return found

    def wait_for_history(self) -> None:
        """Wait until the last symbol has its simulated days, which are sent last. Raises
        RuntimeError after START_SECONDS."""
        end = time.monotonic() + START_SECONDS
        while self._days(SHOWN[-1]) < HISTORY_DAYS:
            if time.monotonic() > end:
                raise RuntimeError(f"no history after {START_SECONDS:.0f} s: {_end_of(self.log)}")
            time.sleep(0.5)

    def _days(self, symbol: str) -> int:
        try:
            return len(self.get(f"/prices/{symbol}?period=5y&interval=1d&limit=500")["prices"])
        except urllib.error.HTTPError as error:
            if error.code == 404:  # no prices have arrived yet
                return 0
            raise


def polls_every(page: Page, system: System, seconds: float) -> None:
    """Set the interval of polls for all pages that are opened after this call."""
    config = {"api": system.api, "stage": "local", "poll_seconds": seconds}
    page.route("**/config.json", lambda route: route.fulfill(json=config))


def _wait_until_served(process: subprocess.Popen[bytes], api: str, log: Path) -> str:
    """Wait until the token for writing is printed and the API answers; return the token. Raises
    RuntimeError if the system ends or does not answer in time."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the system ended with {process.returncode}: {_end_of(log)}")
        token = _token_in(log)
        if token and _answers(api):
            return token
        time.sleep(0.05)
    raise RuntimeError(f"the system does not answer after {START_SECONDS:.0f} s: {_end_of(log)}")


def _answers(api: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api}/symbols", timeout=PATIENCE_SECONDS):
            return True
    except OSError:
        return False


def _end_of(log: Path) -> str:
    return log.read_text()[-800:]


def _token_in(log: Path) -> str:
    found = re.search(r"token[^\n]*?([A-Za-z0-9_-]{20,})", log.read_text())
    return found.group(1) if found else ""


@contextmanager
def running_system(*arguments: str, program: Sequence[str] = ("local",)) -> Iterator[System]:
    """Run `python -m local --source simulator --data none` and yield the system; stop it at the
    end.

    Additional arguments follow; if an argument is repeated, the last one counts. `program` is a
    module, with its own arguments, that runs the system instead of `local`.
    """
    api, page, aws = free_ports(3)
    command = [sys.executable, "-m", *program, "--source", "simulator", "--data", "none"]
    command += ["--api-port", str(api), "--page-port", str(page), "--aws-port", str(aws)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, *arguments], cwd=ROOT, env=environment, stdout=out, stderr=out
            )
        address = f"http://127.0.0.1:{api}"
        try:
            token = _wait_until_served(process, address, log)
            yield System(
                address,
                f"http://127.0.0.1:{page}",
                token,
                f"http://127.0.0.1:{aws}",
                process,
                log,
            )
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
