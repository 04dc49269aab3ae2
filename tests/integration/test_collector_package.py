"""The collector's package: what it imports is in it, and with real wheels it fits into Lambda."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.deploy import collector_package
from infra.deploy.project import resources
from tests.deploy_support.emulated_aws import ROOT
from tests.patience import PATIENCE_SECONDS

LISTED = ROOT / collector_package.LISTED
OF_LAMBDA = {"boto3", "botocore", "jmespath", "s3transfer"}
"""Packages that Lambda provides in addition to the list's."""

IMPORTING = """
import importlib, importlib.abc, json, sys

class Refusing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if "tests" in name.split(".") or name.split(".")[0] in REFUSED:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Refusing())
for name in (HANDLER, "yfinance", "producer.exchange_hours", "producer.sources.yfinance_poll"):
    importlib.import_module(name)
tops = {name.split(".")[0] for name in sys.modules}
ours = [name for name in sys.modules if name.split(".")[0] == "chalicelib"]
print(json.dumps([sorted(tops), ours]))
"""


def packages() -> set[str]:
    """Names of the list, as they are written there."""
    return set(re.findall(r"^([a-z0-9-]+)==", LISTED.read_text(), re.MULTILINE))


def test_handler_imports_nothing_that_is_not_in_the_package() -> None:
    """In a process that refuses what the zip leaves out: tests, and packages of no use there."""
    container = (ROOT / "producer" / "deploy" / "requirements.txt").read_text()
    others = set(re.findall(r"^([a-z0-9-]+)==", container, re.MULTILINE)) - packages() - OF_LAMBDA
    assert {"pyarrow", "rich"} <= others
    module = resources()["collector"]["handler"].rpartition(".")[0]
    given = f"REFUSED = {others!r}\nHANDLER = {module!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", given + IMPORTING],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=4 * PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    tops, ours = json.loads(done.stdout)
    assert not {"local", "commands", "embedded_aws", "bench", "infra", "tests", "chalice"} & set(
        tops
    )
    assert {name.split(".")[1] for name in ours if "." in name} <= {"domain"}


@pytest.mark.long
@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_package_of_real_wheels_fits_into_lambda(
    architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`build` refuses what is too large; a tenth is left for the wheels of the next months."""
    monkeypatch.setattr(collector_package, "FOLDER", tmp_path)
    path = collector_package.build(architecture)
    assert path.stat().st_size < 0.9 * collector_package.MOST_ZIPPED
    with zipfile.ZipFile(path) as package:
        unpacked = sum(entry.file_size for entry in package.infolist())
        names = package.namelist()
    tops = {name.split("/")[0] for name in names}
    assert unpacked < 0.9 * collector_package.MOST_UNPACKED
    assert {"yfinance", "pandas", "numpy", "curl_cffi", "exchange_calendars", "producer"} <= tops
    assert not {"boto3", "botocore", "pyarrow", "rich"} & tops
    machine = {"arm64": "aarch64"}.get(architecture, architecture)
    compiled = {name for name in names if name.endswith(".so") and "cpython" in name}
    assert compiled
    assert [name for name in compiled if f"cpython-313-{machine}-linux" not in name] == []
