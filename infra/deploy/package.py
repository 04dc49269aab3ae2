"""Builds the Lambda package so that the same sources give the same bytes.

Chalice names a package by its inputs, and uses an existing package of that name again. So this
module lets Chalice build the package, then rewrites it with sorted entries and without times.
Third-party packages are checked against the hashes in requirements.txt.
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

from infra.deploy import wheels, zips
from infra.deploy.errors import DeployError
from infra.deploy.project import CHALICE, ROOT
from infra.deploy.stage import Stage

SIZE_LIMIT = 5 * 1024 * 1024
"""The largest package in bytes. Functions with larger packages start more slowly."""

UNWANTED = ("boto3/", "botocore/", "pandas/", "yfinance/", "numpy/")
"""Packages that must not be in the zip: those that Lambda provides, and those of the producer."""

LIBRARIES = "libraries/"
"""The folder of packages that only `deliver` imports. `deliver` adds it to its path before it first
uses apprise. At the zip's top level, botocore would import certifi and urllib3 from it in every
function, and compile them at each cold start (docs/decisions/0313)."""

OF_DELIVER = (
    "Crypto",
    "apprise",
    "certifi",
    "charset_normalizer",
    "idna",
    "markdown",
    "pycryptodome",
    "requests",
    "urllib3",
)
NEVER_IMPORTED = (
    "Crypto/Cipher/_ARC4.",
    "Crypto/Cipher/_Salsa20.",
    "Crypto/Cipher/_chacha20.",
    "Crypto/Cipher/_pkcs1_decode.",
    "Crypto/Cipher/_raw_arc2.",
    "Crypto/Cipher/_raw_blowfish.",
    "Crypto/Cipher/_raw_cast.",
    "Crypto/Cipher/_raw_cbc.",
    "Crypto/Cipher/_raw_cfb.",
    "Crypto/Cipher/_raw_eksblowfish.",
    "Crypto/Cipher/_raw_ocb.",
    "Crypto/Cipher/_raw_ofb.",
    "Crypto/Hash/_BLAKE",
    "Crypto/Hash/_MD2.",
    "Crypto/Hash/_MD4.",
    "Crypto/Hash/_RIPEMD160.",
    "Crypto/Hash/_k12.",
    "Crypto/Hash/_poly1305.",
    "Crypto/PublicKey/_mldsa.",
    "Crypto/PublicKey/_mlkem.",
    "Crypto/SelfTest/",
    "_yaml/",
    "apprise/assets/",
    "apprise/i18n/",
    "click/",
    "oauthlib/",
    "requests_oauthlib/",
    "yaml/",
)
"""Parts of apprise and its requirements for services that are not allowed, for its command line and
for configuration files. Also the parts of pycryptodome that Web Push does not use."""


def build(stage: Stage) -> Path:
    """Build the stage's package; return where Chalice expects it. Raises DeployError."""
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
"""Arguments for Python that run Chalice so that it creates mappings with all settings."""


def chalice(
    region: str,
    *arguments: str,
    program: Sequence[str] = PLAIN,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Run a Chalice command on the project in a region, with additional environment variables.

    Raises DeployError if the command fails.
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
    """Rewrite a zip: sort its entries, move the packages of `deliver` to LIBRARIES, and drop
    bytecode and NEVER_IMPORTED."""
    with zipfile.ZipFile(path) as source:
        kept = [
            name
            for name in sorted(source.namelist(), key=_placed)
            # Another process may have imported the package and left bytecode.
            if "__pycache__/" not in name and not name.startswith(NEVER_IMPORTED)
        ]
        zips.write(path, ((_placed(name), source.read(name)) for name in kept))


def _placed(name: str) -> str:
    """Return an entry's new name, which is in LIBRARIES if only `deliver` needs the entry."""
    top = name.partition("/")[0]
    package = top.partition("-")[0] if top.endswith(".dist-info") else top
    return LIBRARIES + name if package in OF_DELIVER else name


def check(path: Path) -> None:
    """Raise DeployError if the package is too large or contains an unwanted package."""
    size = path.stat().st_size
    if size > SIZE_LIMIT:
        raise DeployError(f"the package has {size:,} bytes; allowed: at most {SIZE_LIMIT:,}")
    with zipfile.ZipFile(path) as package:
        unwanted = [name for name in package.namelist() if name.startswith(UNWANTED)]
    if unwanted:
        raise DeployError(f"the package contains {unwanted[0]}, which requirements.txt adds")


def _packages() -> set[Path]:
    return set((CHALICE / "deployments").glob("*.zip"))


def _forget_bytecode() -> None:
    """Delete bytecode, which would make builds differ. Chalice packs everything in chalicelib."""
    for directory in (ROOT / "chalicelib").rglob("__pycache__"):
        shutil.rmtree(directory, ignore_errors=True)
