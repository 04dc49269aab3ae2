"""What draws pictures is imported when the first one is drawn, and by nothing else."""

from __future__ import annotations

import subprocess
import sys

_IMPORTS = """
import sys
import chalicelib.handlers
import chalicelib.adapters.apprise_channel
import chalicelib.services.delivery.deliver
import chalicelib.services.detect.detect
import chalicelib.services.ingest.ingest
assert "chalicelib.domain.messages" in sys.modules
print([name for name in sys.modules if name.startswith("chalicelib.domain.pictures")])
"""


def test_no_function_imports_the_drawing_before_it_draws() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTS], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
