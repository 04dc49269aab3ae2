"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulated import Emulated

pytest.register_assert_rewrite("tests.deploy_support")


@pytest.fixture(scope="session")
def emulated() -> Iterator[Emulated]:
    """One emulator for all tests of a worker that ask for it."""
    emulator = Emulated()
    yield emulator
    emulator.stop()
