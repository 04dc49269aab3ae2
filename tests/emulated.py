"""A process of local.emulator, and botocore clients of it as the adapters take them."""

from __future__ import annotations

import itertools
import os
from typing import Any

import botocore.session
import msgspec
from botocore.config import Config

from chalicelib.settings import Settings, load
from local import provision, resources
from local.emulator.process import EmulatorProcess

_stages = itertools.count()


class EmulatedClients:
    """botocore clients of an emulator, as adapters.clients.Clients makes them."""

    def __init__(self, endpoint: str) -> None:
        self.dynamodb = _client(endpoint, "dynamodb")
        self.s3 = _client(endpoint, "s3")
        self.sns = _client(endpoint, "sns")
        self.athena = _client(endpoint, "athena")
        self.glue = _client(endpoint, "glue")


def _client(endpoint: str, service: str) -> Any:
    return botocore.session.get_session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )


class Emulated:
    """A running emulator."""

    def __init__(self) -> None:
        self._process = EmulatorProcess(0, None)
        self._process.wait_until_ready()
        self.endpoint = self._process.endpoint
        self.clients = EmulatedClients(self.endpoint)

    def stop(self) -> None:
        """End the process."""
        self._process.stop()

    def provisioned(self) -> Settings:
        """Fresh resources; the settings that name them."""
        stage = f"t{os.getpid()}-{next(_stages)}"
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        clients = provision.Clients({"AWS_ENDPOINT_URL": self.endpoint, **keys})
        made = provision.provision(clients, resources.load(stage), ingest="kinesis")
        return msgspec.structs.replace(load(made), read_access="open")
