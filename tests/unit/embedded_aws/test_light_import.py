"""The package as another project would find it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LOADED = """
import sys
import embedded_aws
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_importing_it_imports_nothing_slow_and_nothing_of_the_app() -> None:
    said = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(said.stdout.split())
    assert "embedded_aws" in loaded
    slow, ours = (
        {"boto3", "botocore", "moto"},
        {"app", "chalicelib", "local", "commands", "producer", "bench"},
    )
    assert not loaded & (slow | ours)
