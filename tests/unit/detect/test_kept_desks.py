"""Desks that a container keeps: as long as they are valid, and as far as there is room."""

from __future__ import annotations

from chalicelib.domain.rules import parse_rule
from chalicelib.domain.when.desk import Desk
from chalicelib.domain.when.points import bar_point
from chalicelib.services.detect.kept_desks import KEPT_SECONDS, KeptDesk, KeptDesks


def a_desk(window: int = 100) -> Desk:
    rule = parse_rule({"symbol": "AAPL", "interval": "1m", "when": f"close > sma({window})"}, "r")
    return Desk([rule], "1m", {}, lambda bar: bar_point("1m", bar.start, "", "AAPL", None))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def kept(window: int = 100, basis: str = "a") -> KeptDesk:
    return KeptDesk(a_desk(window), (), (basis,))


def test_a_desk_is_taken_once_and_only_if_nothing_has_changed() -> None:
    desks = KeptDesks()
    one = kept()
    desks.keep(("AAPL", "1m", False), one)
    assert desks.take(("AAPL", "5m", False), ("a",)) is None
    taken = desks.take(("AAPL", "1m", False), ("a",))
    assert taken is not None
    assert taken.desk is one.desk
    assert desks.take(("AAPL", "1m", False), ("a",)) is None
    desks.keep(("AAPL", "1m", False), one)
    assert desks.take(("AAPL", "1m", False), ("b",)) is None


def test_the_latest_are_not_kept_while_all_others_are_in_use() -> None:
    clock = Clock()
    desks = KeptDesks(2 * a_desk().numbers, clock)
    for name in ("A", "B", "C"):
        desks.keep((name, "1m", False), kept())
    assert desks.take(("C", "1m", False), ("a",)) is None
    first = desks.take(("A", "1m", False), ("a",))
    assert first is not None
    desks.keep(("A", "1m", False), first)
    clock.now += KEPT_SECONDS
    desks.keep(("C", "1m", False), kept())
    assert desks.take(("C", "1m", False), ("a",)) is not None
    assert desks.take(("A", "1m", False), ("a",)) is None


def test_a_desk_larger_than_all_room_is_not_kept() -> None:
    desks = KeptDesks(a_desk().numbers)
    desks.keep(("A", "1m", False), kept(400))
    assert desks.take(("A", "1m", False), ("a",)) is None


def test_a_forgotten_symbol_makes_room() -> None:
    desks = KeptDesks(a_desk().numbers)
    desks.keep(("A", "1m", False), kept())
    desks.forget("A")
    desks.keep(("B", "1m", False), kept())
    assert desks.take(("B", "1m", False), ("a",)) is not None


def test_a_desk_that_is_not_cheap_replaces_one_that_is() -> None:
    """There is room for all of those: that is seen to when rules are saved."""
    rule = parse_rule({"symbol": "AAPL", "interval": "1m", "when": "close > rsi(100)"}, "r")
    long = Desk([rule], "1m", {}, lambda bar: bar_point("1m", bar.start, "", "AAPL", None))
    assert a_desk().is_cheap
    assert not long.is_cheap
    desks = KeptDesks(2 * long.numbers)
    for name in ("A", "B"):
        desks.keep((name, "1m", False), kept())
    desks.keep(("C", "1m", False), KeptDesk(long, (), ("a",)))
    desks.keep(("D", "1m", False), KeptDesk(long, (), ("a",)))
    desks.keep(("E", "1m", False), KeptDesk(long, (), ("a",)))
    found = [name for name in "ABCDE" if desks.take((name, "1m", False), ("a",)) is not None]
    assert found == ["C", "D"]
