"""Which symbols a producer follows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import pytest

from producer import building
from producer.status import Status
from producer.watchlist import DefaultList, FixedList, TrackedList, Watchlist


class Changing:
    """A list that a test changes."""

    def __init__(self) -> None:
        self.now: tuple[str, ...] = ()

    def symbols(self) -> Sequence[str]:
        """Those of this moment."""
        return self.now


def test_tracked_symbols_come_behind_the_sources_own_and_each_once() -> None:
    tracked = Changing()
    watched = DefaultList(("A", "B"), lambda: tracked)
    watched.symbols()
    tracked.now = ("C", "B")
    assert watched.symbols() == ("A", "B", "C")
    tracked.now = ()
    assert watched.symbols() == ("A", "B")


def test_first_prices_do_not_wait_for_the_table_of_tracked_symbols() -> None:
    connected = []

    def connect() -> Watchlist:
        connected.append(True)
        return FixedList(("C",))

    watched = DefaultList(("A",), connect)
    assert (watched.symbols(), connected) == (("A",), [])
    assert (watched.symbols(), connected) == (("A", "C"), [True])


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({}, DefaultList),
        ({"symbols": "A,B"}, FixedList),
        ({"symbols": "tracked"}, TrackedList),
        ({"sink": "stdout"}, FixedList),
        ({"symbols_table": None}, FixedList),
        ({"command": "backfill"}, FixedList),
    ],
)
def test_without_symbols_a_stream_into_aws_follows_the_tracked_ones_too(
    given: dict[str, Any], kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SYMBOLS_TABLE", raising=False)
    for name, value in {
        "ACCESS_KEY_ID": "a",
        "SECRET_ACCESS_KEY": "b",
        "DEFAULT_REGION": "r",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    options = argparse.Namespace(
        **{"command": "stream", "sink": "kinesis", "symbols": None, "symbols_table": "t", **given}
    )
    status = Status(lambda _event, _message: None)
    watched = building._watchlist(options, status, ("A",))
    assert isinstance(watched, kind)
