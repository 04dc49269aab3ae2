"""Loads a stage from Terraform's outputs, and makes clients for the stage's region."""

from __future__ import annotations

import json
import os
from functools import cache, cached_property
from typing import Any, Literal

import msgspec

from chalicelib.adapters import bucket_owner
from infra.deploy.errors import DeployError
from infra.deploy.project import deployed_file, variables_file
from infra.deploy.terraform import Terraform


class Function(msgspec.Struct, frozen=True):
    """A function's name, role and sizes. Without a reservation it has the account's executions."""

    name: str
    role_arn: str
    memory_mb: int
    timeout_seconds: int
    reserved_concurrency: int | None = None


class ApiRate(msgspec.Struct, frozen=True):
    """The API's sustained rate in requests per second, and its burst in requests."""

    per_second: float
    burst: int


class Common(msgspec.Struct, frozen=True):
    """Settings that all functions and the API share."""

    architecture: str
    tracing: bool
    api_rate: ApiRate
    api_concurrency: int | None = None


class Page(msgspec.Struct, frozen=True):
    """The bucket with the page's files, and the page's address."""

    bucket: str
    distribution: str
    url: str


class Collector(msgspec.Struct, frozen=True):
    """The kind of collector, and the name of its function or service."""

    kind: Literal["lambda", "fargate", "none"] = "none"
    name: str = ""


class Topics(msgspec.Struct, frozen=True):
    """The ARNs of the topics for price alerts and for alarms."""

    alerts: str
    operations: str


class Stage(msgspec.Struct, frozen=True, dict=True):
    """A deployed stage, as Terraform's outputs describe it."""

    stage: str
    region: str
    tags: dict[str, str]
    functions: dict[str, Function]
    chalice: Common
    environment: dict[str, str]
    failures_bucket_arn: str
    topics: Topics
    producer_role_arn: str
    token_parameter: str
    lake: dict[str, str]
    data_buckets: list[str]
    hosting_buckets: list[str]
    account: str = ""
    """The account's id. It is empty, like `queues`, if an older version applied the stage."""
    collector: Collector = Collector()
    """The collector. There is none if an older version applied the stage."""
    page: Page | None = None
    """The page, or None if the stage has only the API."""
    queues: dict[str, str] = {}
    """The URLs of queues, by their keys in `resources.json`."""

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    def client(self, service: str) -> Any:
        """Return a boto3 client of the stage's region."""
        import boto3
        from botocore.config import Config

        if service not in self._clients:
            config = Config(retries={"mode": "standard", "total_max_attempts": 5})
            if os.environ.get("AWS_ENDPOINT_URL"):  # an emulator has no host per bucket
                config = config.merge(Config(s3={"addressing_style": "path"}))
            session = boto3.Session(region_name=self.region)
            client = self._clients[service] = session.client(service, config=config)
            if service == "s3":
                bucket_owner.install(client, self.account)
        return self._clients[service]

    def item(self, table: str, **key: str) -> dict[str, Any]:
        """Return an item in wire form, or an empty dict if it is missing. `table` names the
        environment variable with the table's name."""
        answer = self.client("dynamodb").get_item(
            TableName=self.environment[table],
            Key={name: {"S": value} for name, value in key.items()},
            ConsistentRead=True,
        )
        found: dict[str, Any] = answer.get("Item", {})
        return found

    def deployed(self) -> list[dict[str, Any]]:
        """Return Chalice's record of its deployment, empty before the first `chalice deploy`."""
        path = deployed_file(self.stage)
        if not path.exists():
            return []
        found: list[dict[str, Any]] = json.loads(path.read_text())["resources"]
        return found

    def api(self) -> dict[str, Any]:
        """Return the REST API in Chalice's record. Raises DeployError if there is none yet."""
        for resource in self.deployed():
            if resource["resource_type"] == "rest_api":
                return resource
        raise DeployError(f"stage {self.stage} has no API yet: make deploy STAGE={self.stage}")

    @property
    def api_url(self) -> str:
        """Return the API's address, without a trailing slash."""
        return str(self.api()["rest_api_url"]).rstrip("/")


@cache
def load(stage: str) -> Stage:
    """Return a stage from its Terraform outputs, which are read once. Raises DeployError if the
    stage was never applied."""
    if not variables_file(stage).exists():
        raise DeployError(f"there is no stage {stage} here: make deploy STAGE={stage}")
    outputs = Terraform(stage, confirmed=True).outputs()
    if "stage" not in outputs:
        raise DeployError(f"stage {stage} is not applied: make deploy STAGE={stage}")
    return msgspec.convert(outputs, Stage)
