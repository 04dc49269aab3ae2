"""Downloads libraries for Lambda and checks them against the hashes in a list of requirements.

Chalice lets pip download twice. The first download is for this machine. The second is for Lambda's
processor, by name and version, without comparing hashes. Here both are downloaded first and their
hashes compared, and Chalice's pip finds nothing else. The collector's libraries are installed into
a folder in one step.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.deploy.errors import DeployError
from infra.deploy.project import ROOT

_FUNCTIONS = Path("requirements.txt")
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
_LOCKED = ("--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:")


@contextmanager
def locked(architecture: str) -> Iterator[dict[str, str]]:
    """Yield environment variables that let pip use only a folder of locked packages.

    Raises DeployError if an index returns another hash, or if a wheel is missing.
    """
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    with tempfile.TemporaryDirectory() as folder:
        for options in ((), _lambda_options(architecture, own)):
            _run(_FUNCTIONS, "download", *_LOCKED, *options, "--dest", folder)
        yield {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": folder, "PIP_CONFIG_FILE": os.devnull}


def install(listed: Path, folder: Path, architecture: str, python: str) -> None:
    """Install the packages of a list into `folder`, for a version of Python such as "3.13".

    The list has to be made for that version: pip evaluates markers by the Python that runs it.
    Raises DeployError as `locked` does.
    """
    options = ("--python-version", python, *_lambda_options(architecture, python))
    _run(listed, "install", *_LOCKED, *options, "--no-compile", "--target", str(folder))


def _run(listed: Path, *words: str) -> None:
    done = subprocess.run(  # noqa: S603  # our own words, no shell
        [*_PIP, *words, "-r", str(listed)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DeployError(f"{listed} cannot be installed as locked: {done.stderr.strip()}")


def _lambda_options(architecture: str, python: str) -> Sequence[str]:
    """Return pip's options for Lambda's platforms, as far as Chalice accepts their wheels."""
    from chalice.deploy.packager import DependencyBuilder
    from chalice.utils import OSUtils

    abi = "cp" + python.replace(".", "")
    builder = DependencyBuilder(OSUtils(), architecture=architecture)
    platforms = builder._get_pip_platforms(abi)
    options = ["--implementation", "cp", "--abi", abi, "--abi", "abi3", "--abi", "none"]
    return options + [word for platform in platforms for word in ("--platform", platform)]
