"""A moto server for one test, and the environment that points at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[2]

_OURS = ("AWS_", "TF_", "TICKS_", "CHALICE_")


def clean_environment() -> dict[str, str]:
    """Return this process's environment without variables that point at another AWS."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


class EmulatedAws:
    """A moto server that starts when an instance is created and ends with `stop`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.deploy_support.server"],
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        word, _, port = self._process.stdout.readline().partition(" ")
        assert word == "ready", "the emulated AWS did not start"
        self.url = f"http://127.0.0.1:{int(port)}"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a subprocess or client that uses this server."""
        return {
            **clean_environment(),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "deployer",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def asked(self) -> set[str]:
        """Return the actions (`service:Operation`) that were requested with the deployer's key."""
        with urllib.request.urlopen(f"{self.url}/_asked", timeout=PATIENCE_SECONDS) as answer:
            return set(json.load(answer))

    def fail_once(self, path_end: str) -> None:
        """Make the server refuse the next POST to a path with this end."""
        request = urllib.request.Request(f"{self.url}/_fail", path_end.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            assert answer.status == 204

    def stop(self) -> None:
        """End the server's process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=PATIENCE_SECONDS)
        self._process.stdout.close()
