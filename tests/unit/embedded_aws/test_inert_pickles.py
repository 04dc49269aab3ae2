"""Pickles of earlier versions, read as plain data: what they may hold."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from typing import Any

import pytest

from embedded_aws.emulator.inert_pickles import PickleError, read


def test_repeated_values_are_read() -> None:
    columns = [{"Name": "symbol", "Type": "string"}]
    value = {"versions": [{"columns": columns, "number": number} for number in range(50)]}
    assert read(pickle.dumps(value)) == value


def test_large_bodies_are_read() -> None:
    value = [bytes(1_000_000), "a" * 1_000_000]
    assert read(pickle.dumps(value)) == value


def many_times(levels: int) -> list[Any]:
    """A list that refers to one list ten times, which does so, too."""
    made: list[Any] = ["a" * 1000] * 10
    for _ in range(levels):
        made = [made] * 10
    return made


@pytest.mark.parametrize("levels", [2, 12, 60])
def test_values_with_a_huge_expansion_are_refused(levels: int) -> None:
    with pytest.raises(PickleError, match=r"more than .* bytes when written out"):
        read(pickle.dumps({"a": many_times(levels)}))


def test_attributes_count_as_well() -> None:
    made: OrderedDict[Any, Any] = OrderedDict(a="a" * 1000)
    for _ in range(12):
        made = OrderedDict(enumerate([made] * 10))
    with pytest.raises(PickleError, match="when written out"):
        read(pickle.dumps(made))


def test_deep_values_are_refused() -> None:
    made: list[Any] = []
    for _ in range(300):
        made = [made]
    with pytest.raises(PickleError, match="more than 64 levels"):
        read(pickle.dumps(made))


def test_levels_are_counted_along_each_way() -> None:
    shared: list[Any] = []
    for _ in range(40):
        shared = [shared]
    deep: list[Any] = [shared]
    for _ in range(40):
        deep = [deep]
    with pytest.raises(PickleError, match="more than 64 levels"):
        read(pickle.dumps([shared, deep]))


def test_a_value_that_holds_itself_is_refused() -> None:
    made: list[Any] = []
    made.append(made)
    with pytest.raises(PickleError, match="levels"):
        read(pickle.dumps(made))


@pytest.mark.parametrize("value", [{(1, 2): 3}, {(1, 2)}])
def test_keys_that_could_take_long_to_hash_are_refused(value: Any) -> None:
    with pytest.raises(PickleError, match="a tuple as a key"):
        read(pickle.dumps(value, 4))
