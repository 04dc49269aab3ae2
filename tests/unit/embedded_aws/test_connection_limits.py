"""Which connections of a port are closed, and when."""

from __future__ import annotations

import resource
import socket
from typing import Any

import pytest

from embedded_aws.connection_limits import (
    Connections,
    Limits,
    Phase,
    allow_files,
    most_connections,
)
from embedded_aws.event_api.limits import limits_of

LIMITS = Limits(
    connections=3,
    idle_seconds=20,
    known_seconds=100,
    head_seconds=10,
    body_seconds=30,
    sending_seconds=40,
    body_bytes=100,
)


class FakeSocket:
    """Notes that it was shut down."""

    def __init__(self) -> None:
        self.is_shut = False

    def shutdown(self, how: int) -> None:
        assert how == socket.SHUT_RDWR
        self.is_shut = True


class World:
    """Connections with a clock of their own."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.now = 0.0
        self.connections = Connections(limits, lambda: self.now)

    def open(self, phase: Phase = Phase.WAITING, known: bool = False) -> Any:
        """One more connection, a second after the last."""
        self.now += 1
        made: Any = FakeSocket()
        assert self.connections.opened(made)
        if known:
            self.connections.knows(made)
        assert self.connections.enters(made, phase)
        return made

    def after(self, seconds: float) -> None:
        """Sweep some seconds later."""
        self.now += seconds
        self.connections.sweep()


def shut(*connections: Any) -> list[bool]:
    return [connection.is_shut for connection in connections]


def test_the_oldest_that_waits_for_its_client_gives_way() -> None:
    world = World()
    working, receiving, waiting = (world.open(p) for p in (Phase.WORKING, Phase.BODY, Phase.HEAD))
    sending = world.open(Phase.SENDING)
    assert shut(working, receiving, waiting) == [False, True, False]
    world.open(Phase.WORKING)
    assert shut(working, waiting, sending) == [False, True, False]
    world.open(Phase.WORKING)
    assert shut(working, sending) == [False, True]
    assert not world.connections.opened(Any)  # type: ignore[arg-type]


def test_authenticated_connections_are_closed_last() -> None:
    world = World()
    known, first, second = world.open(known=True), world.open(), world.open()
    others = [world.open() for _ in range(10)]
    assert shut(known, first, second) == [False, True, True]
    assert sum(shut(*others)) == 8
    for other in others[-2:]:
        world.connections.knows(other)
    world.open()
    assert shut(known, *others[-2:]) == [True, False, False]


def test_a_connection_that_serves_requests_stays_and_its_neighbour_goes() -> None:
    world = World()
    busy, idle = world.open(), world.open()
    for _ in range(10):
        for phase in (Phase.HEAD, Phase.WORKING, Phase.SENDING, Phase.WAITING):
            assert world.connections.enters(busy, phase)
        world.after(5)
    assert shut(busy, idle) == [False, True]


def test_each_phase_has_its_time() -> None:
    times = {Phase.WAITING: 20, Phase.HEAD: 10, Phase.BODY: 30, Phase.SENDING: 40}
    for phase, seconds in times.items():
        world = World()
        connection = world.open(phase)
        world.after(seconds)
        assert not connection.is_shut, phase
        world.after(1)
        assert connection.is_shut, phase
        assert not world.connections.enters(connection, Phase.WORKING)
    world = World()
    known, working = world.open(known=True), world.open(Phase.WORKING)
    world.after(99)
    assert shut(known, working) == [False, False]
    world.after(1000)
    assert shut(known, working) == [True, False]


def test_an_answer_that_is_taken_stays_and_one_that_is_not_gives_way() -> None:
    world = World()
    taken, stalled = world.open(Phase.SENDING), world.open(Phase.SENDING)
    for _ in range(3):
        world.after(30)
        world.connections.goes_on(taken)
    assert shut(taken, stalled) == [False, True]
    stalled = world.open(Phase.SENDING)
    world.now += 1
    world.connections.goes_on(taken)
    world.open(Phase.WORKING)
    world.open()
    assert shut(taken, stalled) == [False, True]


def test_bodies_of_unknown_senders_share_a_bound_and_the_oldest_gives_way() -> None:
    world = World()
    first, second, third = world.open(), world.open(), world.open()
    for connection in (first, second, third):
        world.now += 1
        assert world.connections.enters(connection, Phase.BODY, 50)
    assert shut(first, second, third) == [True, False, False]
    assert world.connections.enters(third, Phase.WORKING)
    assert world.connections.enters(third, Phase.BODY, 50)
    assert shut(second, third) == [False, False]
    assert not world.connections.enters(third, Phase.BODY, 101)
    assert shut(second, third) == [True, True]


def test_bodies_of_authenticated_senders_neither_count_nor_give_way() -> None:
    world = World()
    one, another, unknown = world.open(known=True), world.open(known=True), world.open()
    for connection in (one, another):
        assert world.connections.enters(connection, Phase.BODY, 1000)
    assert world.connections.enters(unknown, Phase.BODY, 100)
    assert not world.connections.enters(unknown, Phase.BODY, 101)
    assert shut(one, another, unknown) == [False, False, True]


def test_closed_connections_make_room() -> None:
    world = World()
    first = world.open(Phase.WORKING)
    others = [world.open(Phase.WORKING) for _ in range(2)]
    world.connections.closed(first)
    world.open()
    assert not any(shut(first, *others))


def test_a_client_that_has_gone_is_not_an_error() -> None:
    world = World()
    ours, theirs = socket.socketpair()
    ours.close()
    theirs.close()
    assert world.connections.opened(ours)
    world.after(21)
    assert not world.connections.enters(ours, Phase.HEAD)


@pytest.mark.parametrize(
    ("files", "share", "alone"),
    [(256, 21, 128), (1024, 85, 200), (4096, 200, 200), (resource.RLIM_INFINITY, 200, 200)],
)
def test_the_ports_of_a_process_share_half_of_its_files(
    files: int, share: int, alone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert (most_connections(), most_connections(ports=1)) == (share, alone)
    limits = limits_of(share)
    assert 0 < limits.connections + limits.opening <= share


@pytest.mark.parametrize(
    ("soft", "hard", "allowed"),
    [
        (1024, resource.RLIM_INFINITY, 4096),
        (1024, 20_000, 4096),
        (1024, 2000, 2000),
        (1024, 1024, None),
        (8192, 20_000, None),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None),
    ],
)
def test_a_process_allows_itself_the_files_that_its_ports_need(
    soft: int, hard: int, allowed: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: made.append(limits))
    allow_files()
    assert made == ([] if allowed is None else [(allowed, hard)])


def test_a_limit_that_the_system_refuses_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(_: int, limits: tuple[int, int]) -> None:
        asked.append(limits)
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    allow_files()
    assert len(asked) == 1, "and the refusal is no error"
