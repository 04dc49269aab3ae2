"""axe-core and the TypeScript compiler from npm, at the versions that npm/package.json pins."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "npm"
INSTALL_SECONDS = 90


def npm_file(path: str) -> Path:
    """A file of an installed package, as `axe-core/axe.min.js`; skips where npm cannot bring it."""
    wanted = FOLDER / "node_modules" / path
    if wanted.exists():
        return wanted
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"{path} comes from npm, and there is no npm here")
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
    try:
        done = subprocess.run(
            command, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{path} did not come from npm within {INSTALL_SECONDS} s")
    if done.returncode or not wanted.exists():
        pytest.skip(f"npm could not install {path}: {done.stderr.strip()[-200:]}")
    return wanted
