"""schemathesis over the OpenAPI document against a running system with data in it.

Nothing that fits the document, nor anything that breaks it in one place, may bring about a 5xx,
a status or media type that is not documented, or a body that does not fit its schema.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chalicelib.api.openapi import openapi_document
from chalicelib.api.version import VERSION
from rigs.running_system import System, running_system
from tests.api_support import wait_for_a_price
from tests.patience import PATIENCE_SECONDS

DOCUMENT = openapi_document(VERSION, fast=5, slow=20, closed=False)
OPERATIONS = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]
CASES, CASES_LONG = 500, 3000
FUZZED, FUZZED_LONG = 170, 3200
"""Random cases, on top of those that schemathesis derives from each constraint of the document."""

KNOWN = "ACME"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def fuzzed(total: int) -> settings:
    """Settings that share `total` random cases out among the operations."""
    return settings(
        max_examples=-(-total // len(OPERATIONS)),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


sent: Counter[str] = Counter()
schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system("--symbols", KNOWN, "--no-page") as running:
        wait_for_a_price(running, KNOWN)
        yield running


def _ask(case: Case, system: System, test: str) -> None:
    """Send a case with a good token, every other time about a symbol that has data."""
    sent[test] += 1
    if case.path_parameters.get("symbol") and len(str(case.path_parameters["symbol"])) % 2:
        case.path_parameters["symbol"] = KNOWN
    headers = {"Authorization": f"Bearer {system.token}"}
    response = case.call(base_url=system.api, headers=headers, timeout=PATIENCE_SECONDS)
    case.validate_response(response, checks=CHECKS)


def _name(method: str, path: str) -> str:
    return f"{method}_{re.sub(r'[^a-z]+', '_', path).strip('_')}"


def _fuzz(method: str, path: str, total: int, kind: str) -> Any:
    """A test of one operation. schemathesis gives all items of a function one name, of which
    pytest-xdist would run only the first: so each operation has a function of its own."""

    @fuzzed(total)
    def test(case: Case, system: System) -> None:
        _ask(case, system, kind)

    return schema.include(method=method.upper(), path=path).parametrize()(test)


for _method, _path in OPERATIONS:
    globals()[f"test_nothing_breaks_{_name(_method, _path)}"] = _fuzz(
        _method, _path, FUZZED, "short"
    )
    globals()[f"test_thousands_do_not_break_{_name(_method, _path)}"] = pytest.mark.long(
        _fuzz(_method, _path, FUZZED_LONG, "long")
    )


def test_five_hundred_cases_were_sent() -> None:
    assert sent["short"] >= CASES


@pytest.mark.long
def test_three_thousand_cases_were_sent() -> None:
    assert sent["long"] >= CASES_LONG
