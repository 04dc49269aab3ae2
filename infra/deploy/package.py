"""The Lambda package, the same bytes from the same sources.

Chalice names a package by what goes in and takes one of that name that is there already. Here it
is built, then written again with its entries sorted and without their times; `chalice deploy`
takes it as it is. What goes in beside our own files has the hashes of requirements.txt.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from infra.deploy import wheels
from infra.deploy.errors import DeployError
from infra.deploy.project import CHALICE, ROOT
from infra.deploy.stage import Stage

SIZE_LIMIT = 5 * 1024 * 1024
"""Bytes of the zip; the start of a function takes longer the more there is."""

UNWANTED = ("boto3/", "botocore/", "pandas/", "yfinance/", "numpy/")
"""What Lambda brings itself, and what belongs to the producer."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


def build(stage: Stage) -> Path:
    """Build the stage's package; returns where Chalice will look for it. Raises DeployError."""
    _forget_bytecode()
    before = _packages()
    words = ("package", "--stage", stage.stage, "--pkg-format", "terraform")
    with tempfile.TemporaryDirectory() as out, wheels.locked(stage.chalice.architecture) as locked:
        chalice(stage.region, *words, out, variables=locked)
    made = _packages() - before
    path = made.pop() if made else max(_packages(), key=lambda found: found.stat().st_mtime)
    normalize(path)
    check(path)
    return path


PLAIN = ("-c", "import sys; from chalice.cli import main; sys.exit(main())")
WHOLE_MAPPINGS = ("-m", "infra.deploy.chalice_command")
"""How Python is told to run Chalice: as it is, or making mappings with all their settings."""


def chalice(
    region: str,
    *arguments: str,
    program: Sequence[str] = PLAIN,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Run Chalice's command in the project, for a region, with further environment variables.

    Raises DeployError.
    """
    environment = {
        **os.environ,
        **variables,
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }
    command = [sys.executable, *program, *arguments]
    status = subprocess.run(  # noqa: S603  # our own words, no shell
        command, cwd=ROOT, env=environment, check=False
    ).returncode
    if status != 0:
        raise DeployError(f"chalice {arguments[0]} ended with status {status}, see above")


def normalize(path: Path) -> None:
    """Write a zip again with entries sorted, without bytecode and times, all with the same mode."""
    scratch = path.with_suffix(".tmp")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(scratch, "w") as target:
        for name in sorted(source.namelist()):
            if "__pycache__/" in name:  # of a process that imported the package meanwhile
                continue
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _MODE
            target.writestr(entry, source.read(name), compresslevel=9)
    scratch.replace(path)


def check(path: Path) -> None:
    """Raises DeployError where the package is too large or holds what it should not."""
    size = path.stat().st_size
    if size > SIZE_LIMIT:
        raise DeployError(f"the package has {size:,} bytes; at most {SIZE_LIMIT:,}")
    with zipfile.ZipFile(path) as package:
        unwanted = [name for name in package.namelist() if name.startswith(UNWANTED)]
    if unwanted:
        raise DeployError(f"the package holds {unwanted[0]}; requirements.txt brings it in")


def _packages() -> set[Path]:
    return set((CHALICE / "deployments").glob("*.zip"))


def _forget_bytecode() -> None:
    """Chalice packs whatever lies in chalicelib, and bytecode differs from build to build."""
    for directory in (ROOT / "chalicelib").rglob("__pycache__"):
        shutil.rmtree(directory, ignore_errors=True)
