"""The page's JSDoc types hold, by the TypeScript compiler."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.browser.npm_tools import FOLDER, npm_file


def test_page_has_no_type_error() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("tsc runs on Node, and there is no Node here")
    tsc = npm_file("typescript/bin/tsc")
    command = [node, str(tsc), "-p", str(FOLDER / "tsconfig.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == ""
    assert done.returncode == 0
