"""Conditions `when` are imported with the first rule that has one, and by nothing else."""

from __future__ import annotations

import subprocess
import sys

_IMPORTS = """
import sys
import chalicelib.handlers
import chalicelib.api.routes
import chalicelib.api.rule_views
import chalicelib.services.detect.detect
import chalicelib.services.ingest.ingest
import chalicelib.services.rules.preview
import chalicelib.services.rules.rule_book
assert "chalicelib.domain.rules" in sys.modules
print([name for name in sys.modules if "domain.when" in name or ".when_" in name])
"""


def test_no_function_imports_conditions_before_a_rule_has_one() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTS], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
