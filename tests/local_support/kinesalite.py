"""Runs Kinesalite, another implementation of Kinesis, if Node and the package are installed."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.patience import PATIENCE_SECONDS

FOLDER = Path(__file__).resolve().parents[1] / "node"


def missing() -> str:
    """Return why Kinesalite cannot run here, or an empty text if it can."""
    if shutil.which("node") is None:
        return "kinesalite: Node is not installed"
    if not (FOLDER / "node_modules" / "kinesalite").is_dir():
        return f"kinesalite: not installed (npm install --prefix tests/{FOLDER.name})"
    return ""


@contextlib.contextmanager
def kinesalite() -> Iterator[str]:
    """Run Kinesalite while the context is open. Yield its address."""
    process = subprocess.Popen(
        ["node", str(FOLDER / "kinesalite.js")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait(PATIENCE_SECONDS)
