"""Sends schemathesis' cases to a running system and checks the answers."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.pytest.lazy import get_all_tests
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rigs.running_system import System
from tests.patience import PATIENCE_SECONDS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class Fuzzing:
    """Cases of a document's operations, every other one about a symbol that has data."""

    def __init__(self, document: dict[str, Any], system: System, known: str) -> None:
        self._schema = schemathesis.openapi.from_dict(document)
        self._system = system
        self._known = known
        self._sent = 0

    def send(self, method: str, path: str, examples: int) -> int:
        """Send an operation's derived cases and random `examples`; returns how many were sent.

        Raises for an answer that does not fit the document.
        """

        def test(case: Case) -> None:
            self._ask(case)

        (made,) = get_all_tests(
            schema=self._schema.include(method=method.upper(), path=path),
            test_func=test,
            settings=_settings(examples),
            given_kwargs={},
        )
        _, run = made.ok()
        run()
        return self._sent

    def _ask(self, case: Case) -> None:
        """Send a case with a good token."""
        self._sent += 1
        if case.path_parameters.get("symbol") and len(str(case.path_parameters["symbol"])) % 2:
            case.path_parameters["symbol"] = self._known
        headers = {"Authorization": f"Bearer {self._system.token}"}
        response = case.call(base_url=self._system.api, headers=headers, timeout=PATIENCE_SECONDS)
        case.validate_response(response, checks=CHECKS)


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
