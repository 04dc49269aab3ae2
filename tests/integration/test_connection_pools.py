"""Threads that use one client each get a connection, and none is thrown away for want of room."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.adapters import bars
from chalicelib.adapters.clients import POOL, Clients
from chalicelib.services.detect import detect
from embedded_aws.environment import point_at
from rigs.emulated import Emulated

MOST = detect.PARALLEL_SYMBOLS * bars.PARALLEL_PUTS


def test_the_pool_has_room_for_all_threads_of_detect() -> None:
    assert MOST <= POOL


def test_detects_threads_leave_no_warning(
    emulated: Emulated, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = emulated.provisioned().state_table
    environ: dict[str, str] = {}
    point_at(environ, emulated.endpoint, emulated.keys)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    client = Clients().dynamodb
    together = threading.Barrier(MOST)

    def read(_number: int) -> None:
        together.wait(60)
        client.get_item(TableName=table, Key={"symbol": {"S": "AAPL"}})

    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(MOST) as pool:
        list(pool.map(read, range(MOST)))
    assert caplog.messages == []
