"""Whose request is worked on, who waits, and who is sent away."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from embedded_aws.api_gateway.request_turns import BusyError, GoneError, RequestTurns, has_gone
from tests.patience import PATIENCE_SECONDS, eventually


def stays() -> bool:
    return False


class Client:
    """Asks for a turn in a thread of its own, and notes how that ended."""

    def __init__(self, turns: RequestTurns, begun: list[str], name: str) -> None:
        self.name = name
        self.has_gone = False
        self.how = ""
        self._turns = turns
        self._begun = begun
        self._asks = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()
        assert self._asks.wait(PATIENCE_SECONDS)

    def _ask(self) -> None:
        self._asks.set()
        try:
            with self._turns.turn(lambda: self.has_gone):
                self._begun.append(self.name)
            self.how = "answered"
        except (BusyError, GoneError) as error:
            self.how = type(error).__name__

    def end(self) -> str:
        """Return how it ended."""
        self._thread.join(PATIENCE_SECONDS)
        return self.how


class World:
    """One turn, which is taken at first, and two places to wait."""

    def __init__(self) -> None:
        self.turns = RequestTurns(1, 2, PATIENCE_SECONDS)
        self.begun: list[str] = []
        self._closing = contextlib.ExitStack()
        self._closing.enter_context(self.turns.turn(stays))

    def client(self, name: str) -> Client:
        """One more client, which waits before the next one comes."""
        before = self.turns.waiting
        made = Client(self.turns, self.begun, name)
        eventually(lambda: self.turns.waiting > before)
        return made

    def answer(self) -> None:
        """The first turn ends."""
        self._closing.close()


def test_requests_are_worked_on_in_the_order_in_which_they_came() -> None:
    world = World()
    clients = [world.client("first"), world.client("second")]
    assert world.begun == []
    world.answer()
    assert [client.end() for client in clients] == ["answered", "answered"]
    assert world.begun == ["first", "second"]


def test_a_request_whose_client_has_gone_is_never_begun() -> None:
    world = World()
    gone, stayed = world.client("gone"), world.client("stayed")
    gone.has_gone = True
    world.answer()
    assert (gone.end(), stayed.end()) == ("GoneError", "answered")
    assert world.begun == ["stayed"]
    with world.turns.turn(stays):  # which nobody has kept
        pass


def test_a_client_that_closes_its_side_at_once_is_answered_where_nobody_waits() -> None:
    begun = []
    with RequestTurns(1, 0).turn(lambda: True):
        begun.append("at once")
    assert begun == ["at once"]


def test_one_more_than_may_wait_is_refused_at_once() -> None:
    world = World()
    waiting = [world.client("first"), world.client("second")]
    with pytest.raises(BusyError), world.turns.turn(stays):
        pass
    world.answer()
    assert [client.end() for client in waiting] == ["answered", "answered"]


def test_those_that_have_gone_leave_their_places_to_others() -> None:
    world = World()
    gone, stayed = world.client("gone"), world.client("stayed")
    gone.has_gone = True
    late = Client(world.turns, world.begun, "late")
    assert gone.end() == "GoneError"
    world.answer()
    assert [stayed.end(), late.end()] == ["answered", "answered"]
    assert world.begun == ["stayed", "late"]


def test_a_request_that_has_waited_for_long_enough_is_refused_and_leaves_its_place() -> None:
    turns = RequestTurns(1, 1, seconds=0)
    with turns.turn(stays):
        for _ in range(2):
            with pytest.raises(BusyError), turns.turn(stays):
                pass
    with turns.turn(stays):
        pass


def test_a_request_that_fails_gives_its_turn_back() -> None:
    turns = RequestTurns(1, 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), turns.turn(stays):
            raise ZeroDivisionError


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's side of a connection over TCP, and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
        with ours, client:
            yield ours, client


@pytest.mark.parametrize(
    "leave",
    [
        lambda client: client.close(),
        lambda client: (client.sendall(b"more"), client.close()),
        lambda client: client.shutdown(socket.SHUT_WR),
    ],
    ids=["closed", "closed after more was sent", "half closed"],
)
def test_a_client_that_closes_its_connection_has_gone(
    pair: tuple[socket.socket, socket.socket], leave: Callable[[socket.socket], object]
) -> None:
    ours, client = pair
    client.sendall(b"the next request")
    assert not has_gone(ours)
    leave(client)
    eventually(lambda: has_gone(ours))
    ours.close()
    assert has_gone(ours)
