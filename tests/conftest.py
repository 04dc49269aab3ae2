"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulated import Emulated

pytest.register_assert_rewrite("tests.deploy_support")

FIRST = (
    "e2e/test_deploy_cycle.py",
    "integration/test_compaction.py",
    "browser",
    "integration/test_infra_terraform.py",
    "integration/test_local_system.py",
    "e2e/test_api_fuzz.py",
    "faults",
)
"""Files and folders that take long, the longest first: were one of them left for the end, the
other workers would wait for it. `browser` stands together, since all its files share a system."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order files by FIRST; how their tests stand within them stays."""
    places = [Path(__file__).parent / name for name in FIRST]

    def place(item: pytest.Item) -> int:
        return next((n for n, path in enumerate(places) if item.path.is_relative_to(path)), 99)

    items.sort(key=place)


@pytest.fixture(scope="session")
def emulated() -> Iterator[Emulated]:
    """One emulator for all tests of a worker that ask for it."""
    emulator = Emulated()
    yield emulator
    emulator.stop()
