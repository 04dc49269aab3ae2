"""Builds the Lambda zip with `chalice package`, and unpacks it as Lambda does.

The runtime's own libraries (botocore and its dependencies) are linked into a separate folder. A
process started with both folders sees what a function sees, without the tests' packages.
"""

from __future__ import annotations

import compileall
import importlib.util
import shutil
import sys
import zipfile
from pathlib import Path

from bench.measuring import output_of
from bench.our_app import ENVIRONMENT
from infra.deploy.package import normalize

ROOT = Path(__file__).resolve().parents[1]
_RUNTIME = ("botocore", "jmespath", "dateutil", "urllib3", "six")


def build(folder: Path) -> Path:
    """Build the zip in a folder and return its path. Raises RuntimeError with chalice's output if
    it fails."""
    project = folder / "project"
    shutil.copytree(
        ROOT / "chalicelib", project / "chalicelib", ignore=shutil.ignore_patterns("__pycache__")
    )
    (project / ".chalice").mkdir()
    shutil.copy(ROOT / ".chalice" / "base.json", project / ".chalice" / "config.json")
    for name in ("app.py", "requirements.txt"):
        shutil.copy(ROOT / name, project)
    command = [str(Path(sys.executable).with_name("chalice")), "package", str(folder / "out")]
    output_of(command, project, {**ENVIRONMENT, "AWS_DEFAULT_REGION": "us-east-1"})
    made = folder / "out" / "deployment.zip"
    normalize(made)
    return made


def unpack(package: Path, folder: Path) -> list[Path]:
    """Unpack and compile the zip. Return the function's import path: the folder of the zip, then
    that of the runtime's libraries."""
    task, runtime = folder / "task", folder / "runtime"
    with zipfile.ZipFile(package) as zipped:
        zipped.extractall(task)
    compileall.compile_dir(task, quiet=1)
    runtime.mkdir()
    for name in _RUNTIME:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"{name}, which Lambda's runtime has, is not installed here")
        origin = Path(spec.origin)
        found = origin.parent if origin.name == "__init__.py" else origin
        (runtime / found.name).symlink_to(found)
    return [task, runtime]


def with_app_of(checkout: Path, task: Path, folder: Path) -> Path:
    """Copy an unpacked zip, replace the app by another checkout's, and compile it. Return the
    copy."""
    copy = folder / "with_other_app"
    shutil.copytree(task, copy, ignore=shutil.ignore_patterns("chalicelib"))
    shutil.copytree(checkout / "chalicelib", copy / "chalicelib")
    shutil.copy(checkout / "app.py", copy)
    compileall.compile_dir(copy, quiet=1)
    return copy
