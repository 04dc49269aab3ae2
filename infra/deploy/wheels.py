"""The functions' libraries, downloaded with the hashes that requirements.txt locks.

Chalice has pip download twice: the list for the machine at hand, and then, for Lambda's processor,
by name and version alone, for which pip compares no hashes. Here both are downloaded before, with
their hashes, and Chalice's pip finds nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from infra.deploy.errors import DeployError
from infra.deploy.project import ROOT

_LOCKED = ("--require-hashes", "--no-deps", "--only-binary=:all:", "-r", "requirements.txt")


@contextmanager
def locked(architecture: str) -> Iterator[dict[str, str]]:
    """Variables by which pip takes packages out of a folder of locked ones, and from nowhere else.

    Raises DeployError where what an index gives has another hash, or there is no wheel.
    """
    with tempfile.TemporaryDirectory() as folder:
        _download(folder)
        _download(folder, *_lambda_options(architecture))
        yield {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": folder, "PIP_CONFIG_FILE": os.devnull}


def _download(folder: str, *options: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(  # noqa: S603  # our own words, no shell
        [*command, *_LOCKED, *options, "--dest", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DeployError(f"requirements.txt cannot be had as it is locked: {done.stderr.strip()}")


def _lambda_options(architecture: str) -> list[str]:
    """What pip has to be told of Lambda's machine: the platforms that Chalice takes wheels of."""
    from chalice.deploy.packager import DependencyBuilder
    from chalice.utils import OSUtils

    abi = f"cp{sys.version_info.major}{sys.version_info.minor}"
    builder = DependencyBuilder(OSUtils(), architecture=architecture)
    platforms = builder._get_pip_platforms(abi)
    options = ["--implementation", "cp", "--abi", abi, "--abi", "none"]
    return options + [word for platform in platforms for word in ("--platform", platform)]
