"""Runs `python -m local` as a user starts it, on free ports."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from commands import running_file
from commands.aws_environment import keys_of
from embedded_aws.environment import Keys
from rigs.ports import free_ports
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[2]


def environment(temporary: Path | None = None) -> dict[str, str]:
    """Return this process's environment without AWS. Systems of one `temporary` find each other."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    if temporary is None:
        return kept
    kept.pop("XDG_RUNTIME_DIR", None)
    return {**kept, "TMPDIR": str(temporary)}


def run_local(*arguments: str, temporary: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command that should end soon, and return the finished process."""
    command = [sys.executable, "-m", "local", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(temporary),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def facts_of(pid: int, temporary: Path | None = None) -> dict[str, Any] | None:
    """Return the content of a system's running file, or None if there is no such file."""
    folder = temporary / f"ticktape-{os.getuid()}" if temporary else running_file.folder()
    try:
        found: dict[str, Any] = json.loads((folder / f"{pid}.json").read_text())
    except FileNotFoundError:
        return None
    return found


class LocalSystem:
    """A started system. Its output goes to a file, so that a kill loses none of it."""

    def __init__(self, *arguments: str, temporary: Path | None = None) -> None:
        self.api_port, self.page_port = free_ports(2)
        self._temporary = temporary
        ports = ["--api-port", str(self.api_port), "--page-port", str(self.page_port)]
        self._output = tempfile.NamedTemporaryFile("w+", suffix=".log")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local", *ports, *arguments],
            cwd=ROOT,
            env=environment(temporary),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def output(self) -> str:
        """Return the system's output so far."""
        return Path(self._output.name).read_text()

    def get(self, path: str) -> Any:
        """Return the JSON at a path of the API, or None unless the answer is 200."""
        url = f"http://127.0.0.1:{self.api_port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
                return json.load(answer)
        except OSError:  # including HTTP errors
            return None

    def until(self, ask: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
        """Call `ask` until its result is true. Return the result."""
        deadline = time.monotonic() + seconds
        while not (found := ask()):
            assert self.process.poll() is None, self.output()[-2000:]
            assert time.monotonic() < deadline, self.output()[-2000:]
            time.sleep(0.1)
        return found

    def ready(self) -> None:
        """Wait until the API answers."""
        self.until(lambda: self.get("/health"))

    def facts(self) -> dict[str, Any]:
        """Wait until the system's running file exists. Return its content."""
        found: dict[str, Any] = self.until(lambda: facts_of(self.process.pid, self._temporary))
        return found

    def keys(self) -> Keys:
        """Return the keys with which clients of the system's AWS sign."""
        found = keys_of(self.facts())
        assert found is not None
        return found

    def descendants(self) -> list[int]:
        """Return the ids of the processes that the system started."""
        found = []
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
                if fields.get("PPid", "").strip() == str(self.process.pid):
                    found.append(int(status.parent.name))
        return found

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal to the system and wait. Return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        """End the system, whatever its state."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._output.close()


@contextlib.contextmanager
def local_system(*arguments: str, temporary: Path | None = None) -> Iterator[LocalSystem]:
    """Run a system while the context is open."""
    system = LocalSystem(*arguments, temporary=temporary)
    try:
        yield system
    finally:
        system.close()


def all_gone(pids: list[int]) -> bool:
    """Return whether none of these processes runs. A zombie does not run."""
    return not any(_runs(pid) for pid in pids)


def _runs(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"
