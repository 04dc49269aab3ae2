"""Creates boto3 clients for one endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config


class Clients:
    """boto3 clients of one endpoint, created on first use."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._session = boto3.session.Session(
            aws_access_key_id=variables.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=variables.get("AWS_SECRET_ACCESS_KEY"),
            aws_session_token=variables.get("AWS_SESSION_TOKEN"),
            region_name=variables.get("AWS_DEFAULT_REGION", "us-east-1"),
        )
        self._endpoint = variables.get("AWS_ENDPOINT_URL")
        self._config = Config(
            retries={"mode": "standard", "max_attempts": 4},
            s3={"addressing_style": "path"},
            max_pool_connections=20,
        )
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        """Return the client of a service. Create clients in one thread; use them in any."""
        if service not in self._made:
            self._made[service] = self._session.client(
                service, endpoint_url=self._endpoint, config=self._config
            )
        return self._made[service]
