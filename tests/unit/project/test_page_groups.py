"""Files of the page's tests that need a running system share one."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import RUNNING

ROOT = Path(__file__).resolve().parents[3]
NEEDS = re.compile(r"\b(system|unfed|first_visit|cold_start): ")


def test_running_system_is_shared_by_all_files_that_need_one() -> None:
    files = sorted((ROOT / "tests" / "browser").glob("test_*.py"))
    needing = [str(path.relative_to(ROOT)) for path in files if NEEDS.search(path.read_text())]
    assert needing == sorted(RUNNING)
