"""One running system that the tests of this folder attack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_support.system import LocalSystem, local_system


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The system's data folder, which others could read before it started."""
    made = tmp_path_factory.mktemp("system") / "data"
    made.mkdir()
    made.chmod(0o755)
    return made


@pytest.fixture(scope="package")
def system(data: Path) -> Iterator[LocalSystem]:
    """`python -m local` without a producer."""
    with local_system("--source", "none", "--data", str(data)) as running:
        running.ready()
        yield running
