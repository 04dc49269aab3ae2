"""Runs a whole local system for benchmarks: `python -m local` on free ports."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 90


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def local_system(symbol: str, *arguments: str) -> Iterator[str]:
    """Return the API's address once it quotes `symbol`. Raises RuntimeError with the system's
    output."""
    port = free_port()
    command = [sys.executable, "-m", "local", "--data", "none", "--no-page"]
    command += ["--api-port", str(port), "--aws-port", str(free_port()), *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait(process, f"http://127.0.0.1:{port}/quotes?symbols={symbol}")
            yield f"http://127.0.0.1:{port}"
        except RuntimeError as error:
            log.seek(0)
            raise RuntimeError(f"{error}: {log.read()[-800:].decode()}") from error
        finally:
            _end(process)


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if json.load(answer)["quotes"]:
                    return
        except OSError:
            pass  # it does not listen yet
        time.sleep(0.3)
    raise RuntimeError(f"no quote within {START_SECONDS} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
