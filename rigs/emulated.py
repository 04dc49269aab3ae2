"""Runs embedded_aws in a process of its own, and makes botocore clients for the adapters."""

from __future__ import annotations

import itertools
import os
from functools import partial
from typing import Any, Self

import botocore.session
import msgspec
from botocore.config import Config
from botocore.validate import ParamValidator

from chalicelib.adapters import json_wire
from chalicelib.settings import Settings, load
from embedded_aws.clients import Clients
from embedded_aws.environment import Keys, variables_of
from embedded_aws.process import EmulatorProcess
from infra import provision, resources

_stages = itertools.count()


class EmulatedClients:
    """The botocore clients of an emulator, with the interface of adapters.clients.Clients."""

    def __init__(self, endpoint: str, keys: Keys) -> None:
        client = partial(_client, endpoint, keys)
        self.dynamodb = client("dynamodb", parameter_validation=False)
        self.dynamodb.meta.events.register("provide-client-params.dynamodb", _validate)
        json_wire.install(self.dynamodb)
        self.s3 = client("s3")
        self.sns = client("sns")
        self.sqs = client("sqs")
        self.athena = client("athena")
        self.glue = client("glue")
        self.kms = client("kms")


def _validate(params: Any, model: Any, **_: Any) -> None:
    """Check a request as botocore would while serializing it. Raises AssertionError with the faults
    that were found."""
    report = ParamValidator().validate(params, model.input_shape)
    assert not report.has_errors(), report.generate_report()


def _client(endpoint: str, keys: Keys, service: str, *, parameter_validation: bool = True) -> Any:
    return botocore.session.get_session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        config=Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            parameter_validation=parameter_validation,
        ),
    )


class Emulated:
    """An emulator in a process of its own; as a context manager it ends the process."""

    def __init__(self) -> None:
        self._process = EmulatorProcess(0, None)
        self._process.wait_until_ready()
        self.endpoint = self._process.endpoint
        self.keys = self._process.keys
        self.clients = EmulatedClients(self.endpoint, self.keys)
        self._provisioning = Clients(variables_of(self.endpoint, self.keys))

    @property
    def pid(self) -> int:
        """Return the emulator's process id."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def provisioned(self) -> Settings:
        """Create new resources, and return settings with their names."""
        stage = f"t{os.getpid()}-{next(_stages)}"
        made = provision.provision(self._provisioning, resources.load(stage), ingest="kinesis")
        return msgspec.structs.replace(load(made), read_access="open")
