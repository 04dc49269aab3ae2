"""AWS clients, created on first use and kept for the life of the container.

They are botocore's clients: importing boto3 takes half as long again as importing botocore.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from functools import cached_property, partial
from threading import Lock
from typing import Any

from chalicelib.adapters import bucket_owner, json_wire
from chalicelib.services.call_limits import PUBLISHING, USUAL, CallLimits

POOL = 128
"""The most connections of a client, opened on demand. Detect puts 8 bars of 8 symbols at once, and
the local system runs all functions and the API's requests in one process."""

USER_AGENT = "ticktape"
"""A fixed user agent, since botocore would build its own twice for each request."""


_exempted: set[str] = set()

_OTHERS = ("athena", "glue", "kms", "sqs")
"""Services whose clients need no options of their own."""

_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


class Clients:
    """The AWS clients that the adapters share; thread-safe.

    Every bucket has to belong to `account_id`. If `account_id` is empty, owners are not checked.
    """

    def __init__(self, account_id: str = "") -> None:
        self._account_id = account_id
        self._lock = Lock()

    @cached_property
    def _session(self) -> Any:
        import botocore.session

        return botocore.session.get_session()

    def _make(self, service: str, limits: CallLimits = USUAL, **options: Any) -> Any:
        from botocore.config import Config

        config = Config(
            connect_timeout=limits.connect_seconds,
            read_timeout=limits.read_seconds,
            max_pool_connections=POOL,
            parameter_validation=False,
            retries={"mode": "standard", "total_max_attempts": limits.attempts},
            user_agent=USER_AGENT,
            **options,
        )
        with self._lock:
            client = self._session.create_client(service, config=config)
            _exempt_from_collections(service)
        return client

    @cached_property
    def dynamodb(self) -> Any:
        """Return the DynamoDB client."""
        client = self._make("dynamodb")
        json_wire.install(client)
        return client

    @cached_property
    def s3(self) -> Any:
        """Return the S3 client, which uses regional host names.

        Outside us-east-1, presigned links with the global host name return 307 or are invalid. A
        custom endpoint does not support host names with a bucket.
        """
        own = any(os.environ.get(name) for name in _ENDPOINTS)
        style = {"addressing_style": "path" if own else "virtual"}
        client = self._make("s3", signature_version="s3v4", s3=style)
        bucket_owner.install(client, self._account_id)
        return client

    @cached_property
    def sns(self) -> Any:
        """Return the SNS client."""
        return self._make("sns", PUBLISHING)

    def __getattr__(self, service: str) -> Any:
        """Return the client of another service: athena, glue, kms or sqs."""
        if service not in _OTHERS:
            raise AttributeError(service)
        client = self.__dict__[service] = self._make(service)
        return client


class DeferredClients:
    """Clients as attributes, such as `sqs`. Each client is created when it is first called."""

    def __init__(self, clients: Any) -> None:
        self._clients = clients

    def __getattr__(self, service: str) -> OnDemand:
        return OnDemand(partial(getattr, self._clients, service))


class OnDemand:
    """A stand-in for a store or client, which is imported and made at its first use; thread-safe.
    Most functions use only a few of them."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = Lock()

    @cached_property
    def _made(self) -> Any:
        return self._make()

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            made = self._made
        return getattr(made, name)


def _exempt_from_collections(service: str) -> None:
    """Exempt all existing objects from garbage collection, once per process and service.

    Modules and botocore's models live as long as the container; full collections would walk all of
    them every few thousand ticks (docs/decisions/0380).
    """
    if service not in _exempted:
        _exempted.add(service)
        gc.freeze()
