"""Starts an emulator process for tests, and makes clients for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedded_aws.clients import Clients
from embedded_aws.environment import Keys
from embedded_aws.process import EmulatorControl, EmulatorProcess

ANY_KEYS = Keys("test", "test")
"""Keys for an endpoint that does not check signatures."""


def clients_of(endpoint: str, keys: Keys = ANY_KEYS) -> Clients:
    """Return boto3 clients for an endpoint. This process's environment does not matter."""
    return Clients(
        {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    )


class Emulator:
    """A running emulator and its clients."""

    def __init__(self, database: Path | None = None) -> None:
        self.process = EmulatorProcess(0, database)
        self.process.wait_until_ready()
        self.clients = clients_of(self.process.endpoint, self.process.keys)
        self.control = EmulatorControl(self.process.port, self.process.keys)

    def __call__(self, service: str) -> Any:
        """Return the client of a service."""
        return self.clients(service)


@contextlib.contextmanager
def emulator(database: Path | None = None) -> Iterator[Emulator]:
    """Run an emulator on a free port while the context is open."""
    running = Emulator(database)
    try:
        yield running
    finally:
        running.process.stop()
