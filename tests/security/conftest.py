"""One running system that the tests of this folder attack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local_support.system import LocalSystem, local_system


@pytest.fixture(scope="package")
def system() -> Iterator[LocalSystem]:
    """`python -m local` without a producer."""
    with local_system("--source", "none", "--data", "none") as running:
        running.ready()
        yield running
