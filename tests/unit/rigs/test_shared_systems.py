"""Which files of the page's tests share a running system: tests/conftest.py names them."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import RUNNING

ROOT = Path(__file__).parents[3]
ASKS_FOR_THE_SYSTEM = re.compile(r"[(,] *\n? *(system|first_visit|cold_start|unfed): ")


def test_each_file_that_asks_for_the_running_system_is_named() -> None:
    files = sorted((ROOT / "tests" / "browser").glob("test_*.py"))
    asking = [file for file in files if ASKS_FOR_THE_SYSTEM.search(file.read_text())]
    assert tuple(f"tests/browser/{file.name}" for file in asking) == RUNNING
