"""schemathesis over the OpenAPI document against a running system with data in it.

Nothing that fits the document, nor anything that breaks it in one place, may bring about a 5xx,
a status or media type that is not documented, or a body that does not fit its schema.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.api.openapi import openapi_document
from chalicelib.api.version import VERSION
from rigs.running_system import System, running_system
from tests.api_support import wait_for_a_price
from tests.e2e.fuzzed_document import with_few_trees

DOCUMENT = openapi_document(VERSION, fast=5, slow=20, closed=False)
FEWER = with_few_trees(DOCUMENT)
OPERATIONS = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]
CASES, CASES_LONG = 500, 3000
FUZZED, FUZZED_LONG = 170, 3200
"""Random cases, on top of those that schemathesis derives from each constraint of the document."""
MOST_CASES = 1500
"""Cases of one operation in the short run. If there are more, variants of a body multiply, which
takes minutes: fuzzed_document.py reduces them."""

KNOWN = "ACME"

sent: Counter[str] = Counter()
each_operation = pytest.mark.parametrize(
    ("method", "path"), OPERATIONS, ids=[" ".join(one) for one in OPERATIONS]
)


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system("--symbols", KNOWN, "--no-page") as running:
        wait_for_a_price(running, KNOWN)
        yield running


def fuzz(document: dict[str, Any], system: System, method: str, path: str, total: int) -> int:
    """Send an operation's derived cases and its share of `total` random ones; returns how many were
    sent. Raises for an answer that does not fit the document.

    schemathesis takes seconds to import and to derive cases, so that neither is done by workers
    that only collect this file.
    """
    from tests.e2e.fuzzing import Fuzzing

    return Fuzzing(document, system, KNOWN).send(method, path, -(-total // len(OPERATIONS)))


@each_operation
def test_nothing_breaks(system: System, method: str, path: str) -> None:
    cases = fuzz(FEWER, system, method, path, FUZZED)
    assert 0 < cases <= MOST_CASES
    sent["short"] += cases


@pytest.mark.long
@each_operation
def test_thousands_do_not_break(system: System, method: str, path: str) -> None:
    cases = fuzz(DOCUMENT, system, method, path, FUZZED_LONG)
    assert cases > 0
    sent["long"] += cases


def test_five_hundred_cases_were_sent() -> None:
    assert sent["short"] >= CASES


@pytest.mark.long
def test_three_thousand_cases_were_sent() -> None:
    assert sent["long"] >= CASES_LONG
