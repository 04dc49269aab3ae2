"""A command starts without what only the system or other commands need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from commands import NAMES

ROOT = Path(__file__).resolve().parents[3]
LOADED = """
import sys
from local.cli import main
try:
    main([sys.argv[1], "--help"])
except SystemExit:
    print("LOADED", *sys.modules)
"""


def loaded(name: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, name], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.partition("LOADED")[2].split())


@pytest.mark.parametrize("name", NAMES)
def test_a_command_imports_no_other_one_and_nothing_of_the_local_system(name: str) -> None:
    found = loaded(name)
    modules = {f"commands.{one.replace('-', '_')}_command" for one in NAMES}
    assert modules & found == {f"commands.{name.replace('-', '_')}_command"}
    assert {one for one in found if one.startswith("local.")} == {"local.cli"}


@pytest.mark.parametrize("name", ["env", "sql"])
def test_the_help_of_a_command_for_the_running_system_needs_no_client(name: str) -> None:
    assert not {"boto3", "chalicelib.bootstrap", "infra.deploy.stage"} & loaded(name)
