"""The folder of the Lambda package with what only `deliver` imports, so that other functions do not
search it."""

from __future__ import annotations

import sys
from pathlib import Path

LIBRARIES = Path(__file__).resolve().parents[2] / "libraries"
"""See infra/deploy/package.py."""


def add_libraries() -> None:
    """Let imports find LIBRARIES. Does nothing without the folder: then its packages are installed
    with all others."""
    if LIBRARIES.is_dir() and str(LIBRARIES) not in sys.path:
        sys.path.append(str(LIBRARIES))
