"""A function's cold start imports no part of the app that its work does not need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.our_app import ENVIRONMENT

_START = """
import sys
import app
from chalicelib import bootstrap
bootstrap.get_services().{service}
print(*(name.removeprefix("chalicelib.") for name in sys.modules))
"""

SENDING = {
    "adapters.alerts",
    "adapters.deliveries",
    "domain.digests",
    "domain.message_forms",
    "services.delivery",
}
JUDGING = {"adapters.rules", "adapters.state", "domain.detection", "domain.rules"}


@pytest.mark.parametrize(
    ("service", "needed", "unneeded"),
    [
        ("ingest", "services.ingest.ingest", SENDING | JUDGING),
        ("detect", "services.detect.detect", SENDING - {"domain.message_forms"}),
        ("compact", "services.lake.compact", SENDING | JUDGING),
    ],
)
def test_a_function_starts_without_what_it_does_not_use(
    service: str, needed: str, unneeded: set[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _START.format(service=service)],
        env={**os.environ, **ENVIRONMENT, "ATHENA_WORKGROUP": "lake", "ATHENA_DATABASE": "lake"},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(done.stdout.split())
    assert needed in imported
    assert unneeded & imported == set()
