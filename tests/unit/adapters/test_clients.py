"""The clients of a container, and what the garbage collector need not walk."""

from __future__ import annotations

import gc

import pytest

from chalicelib.adapters import clients
from chalicelib.adapters.clients import Clients


def test_clients_exempt_what_is_in_memory_from_collections_once_for_each_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clients, "_exempted", set())
    frozen: list[int] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(len(gc.get_objects())))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    first, second = Clients(), Clients()
    made = [first.dynamodb, second.dynamodb, first.s3, second.s3]
    assert len({id(client) for client in made}) == 4
    assert len(frozen) == 2
    assert min(frozen) > 1_000
