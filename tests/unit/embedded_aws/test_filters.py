"""Lambda's filter patterns, after the examples of its developer guide."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_aws.event_sources.filters import PatternError, matches, passes

EVENT: dict[str, Any] = {
    "eventName": "INSERT",
    "location": "us-east-1",
    "price": 150,
    "none": None,
    "flag": True,
    "tags": ["a", "b"],
    "nested": {"city": "Seattle", "zip": "98101"},
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"eventName": ["INSERT", "MODIFY"]}, True),
        ({"eventName": ["REMOVE"]}, False),
        ({"eventName": ["INSERT"], "location": ["eu-west-1"]}, False),
        ({"nested": {"city": ["Seattle"]}}, True),
        ({"nested": {"city": ["Seattle"], "zip": ["0"]}}, False),
        ({"location": [{"prefix": "us-"}]}, True),
        ({"location": [{"prefix": "eu-"}]}, False),
        ({"location": [{"suffix": "-1"}]}, True),
        ({"location": [{"equals-ignore-case": "US-EAST-1"}]}, True),
        ({"price": [{"numeric": ["=", 150]}]}, True),
        ({"price": [{"numeric": [">", 100, "<=", 150]}]}, True),
        ({"price": [{"numeric": [">", 150]}]}, False),
        ({"location": [{"numeric": [">", 0]}]}, False),
        ({"price": [150]}, True),
        ({"price": ["150"]}, False),
        ({"none": [None]}, True),
        ({"location": [None]}, False),
        ({"flag": [True]}, True),
        ({"flag": [1]}, False),
        ({"tags": ["b"]}, True),
        ({"tags": ["c"]}, False),
        ({"location": [{"anything-but": "us-east-1"}]}, False),
        ({"location": [{"anything-but": ["eu-west-1", "eu-west-2"]}]}, True),
        ({"location": [{"anything-but": {"prefix": "us"}}]}, False),
        ({"absent": [{"anything-but": ["x"]}]}, False),
        ({"location": [{"exists": True}]}, True),
        ({"location": [{"exists": False}]}, False),
        ({"absent": [{"exists": False}]}, True),
        ({"absent": [{"exists": True}]}, False),
        ({"absent": {"deeper": [{"exists": False}]}}, True),
        ({"nested": [{"exists": True}]}, False),
        ({"$or": [{"location": ["x"]}, {"price": [150]}]}, True),
        ({"$or": [{"location": ["x"]}, {"price": [1]}]}, False),
        ({}, True),
    ],
)
def test_pattern(pattern: dict[str, Any], expected: bool) -> None:
    assert matches(pattern, EVENT) is expected


def test_without_patterns_every_record_passes() -> None:
    assert passes((), EVENT)


def test_one_matching_pattern_of_several_is_enough() -> None:
    assert passes(({"eventName": ["REMOVE"]}, {"price": [150]}), EVENT)
    assert not passes(({"eventName": ["REMOVE"]}, {"price": [1]}), EVENT)


@pytest.mark.parametrize("pattern", [{"price": 150}, {"price": "150"}, {"price": [{"like": "x"}]}])
def test_a_pattern_that_lambda_refuses_is_refused(pattern: dict[str, Any]) -> None:
    with pytest.raises(PatternError):
        matches(pattern, EVENT)
