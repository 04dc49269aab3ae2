"""Where the Lambda package keeps what only `deliver` imports, out of the way of other functions."""

from __future__ import annotations

import sys
from pathlib import Path

LIBRARIES = Path(__file__).resolve().parents[2] / "libraries"
"""See infra/deploy/package.py."""


def add_libraries() -> None:
    """Have imports find them. Without the folder, they are installed with everything else."""
    if LIBRARIES.is_dir() and str(LIBRARIES) not in sys.path:
        sys.path.append(str(LIBRARIES))
