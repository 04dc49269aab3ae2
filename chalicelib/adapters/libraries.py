"""Adds the Lambda package's folder of libraries that only `deliver` imports. Other functions do not
search that folder."""

from __future__ import annotations

import sys
from pathlib import Path

LIBRARIES = Path(__file__).resolve().parents[2] / "libraries"
"""The folder that infra/deploy/package.py fills."""


def add_libraries() -> None:
    """Let imports find LIBRARIES. Does nothing if the folder does not exist, as then its packages
    are installed with all others."""
    if LIBRARIES.is_dir() and str(LIBRARIES) not in sys.path:
        sys.path.append(str(LIBRARIES))
