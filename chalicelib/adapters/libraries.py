"""The Lambda package's folder of libraries that only `deliver` imports, so that other functions do
not search it."""

from __future__ import annotations

import sys
from pathlib import Path

LIBRARIES = Path(__file__).resolve().parents[2] / "libraries"
"""See infra/deploy/package.py."""


def add_libraries() -> None:
    """Let imports find LIBRARIES. Does nothing if there is no such folder: its packages are then
    installed with all others."""
    if LIBRARIES.is_dir() and str(LIBRARIES) not in sys.path:
        sys.path.append(str(LIBRARIES))
