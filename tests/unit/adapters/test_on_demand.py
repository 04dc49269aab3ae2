"""Stores that are made when they are first used."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from chalicelib.adapters.clients import OnDemand


class _Store:
    def __init__(self) -> None:
        self.broken: tuple[str, ...] = ()

    def all(self) -> list[str]:
        self.broken = ("one",)
        return []


def test_a_store_is_made_when_it_is_first_used_and_once() -> None:
    made: list[_Store] = []

    def make() -> _Store:
        time.sleep(0)  # lets the other threads go on
        made.append(_Store())
        return made[-1]

    store = OnDemand(make)
    assert made == []
    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(lambda _: store.all(), range(20))] == [[]] * 20
    assert len(made) == 1


def test_changes_that_a_store_makes_to_itself_are_seen() -> None:
    store = OnDemand(_Store)
    assert store.broken == ()
    store.all()
    assert store.broken == ("one",)
