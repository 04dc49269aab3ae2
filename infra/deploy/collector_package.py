"""Builds the collector's zip: the producer, the modules that it imports, and locked libraries.

The zip is for the stage's processor and the function's version of Python. The same sources give the
same bytes. An existing zip of unchanged sources is used again.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from infra.deploy import wheels, zips
from infra.deploy.errors import DeployError
from infra.deploy.project import CHALICE, ROOT, resources

FOLDER = CHALICE / "collector"
LISTED = Path("producer", "collector", "requirements.txt")
MOST_ZIPPED = 50_000_000
MOST_UNPACKED = 250_000_000
"""Lambda's limit for an unpacked function in bytes:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

_FOLDERS = frozenset({"tests", "__pycache__", "bin"})
_ENDS = (".pyi", ".pyx", ".pxd", ".pxi", ".h", ".hpp", ".c", ".a", "py.typed")
_OF_PIP = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
"""Files that no function reads: tests, types, sources of compiled modules, and pip's notes."""


def build(architecture: str) -> Path:
    """Build the zip unless it exists; return where Terraform expects it. Raises DeployError."""
    path = FOLDER / f"{architecture}.zip"
    made_of = path.with_suffix(".sources")
    sources = fingerprint(architecture)
    if path.exists() and made_of.exists() and made_of.read_text() == sources:
        return path
    FOLDER.mkdir(parents=True, exist_ok=True)
    made_of.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wheels.install(LISTED, Path(folder), architecture, _python())
        files = sorted({**libraries(Path(folder)), **own_files()}.items())
        zips.write(path, ((name, file.read_bytes()) for name, file in files))
    check(path)
    made_of.write_text(sources)
    return path


def fingerprint(architecture: str) -> str:
    """Return the SHA-256 of everything that determines the zip's bytes."""
    digest = hashlib.sha256(f"{architecture} {_python()}".encode())
    ours = {"list": ROOT / LISTED, "zips": Path(zips.__file__), **own_files()}
    ours["builder"] = Path(__file__)
    for name, path in sorted(ours.items()):
        content = path.read_bytes()
        digest.update(f"\n{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def own_files() -> dict[str, Path]:
    """Return our own files by name in the zip: `producer`, `untrusted`, parts of `chalicelib`."""
    folders = (ROOT / "producer", ROOT / "untrusted", ROOT / "chalicelib" / "domain")
    found = [path for folder in folders for path in folder.rglob("*.py")]
    found.append(ROOT / "chalicelib" / "__init__.py")
    return {path.relative_to(ROOT).as_posix(): path for path in found}


def libraries(folder: Path) -> dict[str, Path]:
    """Return those files of installed packages that the function may need, by name in the zip."""
    return {path.relative_to(folder).as_posix(): path for path in _needed(folder)}


def check(path: Path) -> None:
    """Raise DeployError if the zip exceeds Lambda's limits."""
    with zipfile.ZipFile(path) as package:
        unpacked = sum(entry.file_size for entry in package.infolist())
    sizes = {"zipped": (path.stat().st_size, MOST_ZIPPED), "unpacked": (unpacked, MOST_UNPACKED)}
    for how, (size, most) in sizes.items():
        if size > most:
            raise DeployError(f"the collector has {size:,} bytes {how}; Lambda allows {most:,}")


def _needed(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        is_unwanted = name.name in _OF_PIP or name.name.endswith(_ENDS)
        if path.is_file() and not is_unwanted and not _FOLDERS.intersection(name.parts[:-1]):
            yield path


def _python() -> str:
    return str(resources()["collector"]["runtime"]).removeprefix("python")
