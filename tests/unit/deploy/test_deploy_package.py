"""The package, made the same whatever the clock and the file system say."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from infra.deploy import package
from infra.deploy.errors import DeployError


def written(path: Path, entries: list[tuple[str, bytes]], year: int) -> Path:
    """A zip with its entries in this order and of this year."""
    with zipfile.ZipFile(path, "w") as target:
        for name, content in entries:
            target.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), content)
    return path


def test_order_and_times_leave_no_trace(tmp_path: Path) -> None:
    entries = [("app.py", b"app"), ("chalicelib/a.py", b"a" * 1000)]
    first = written(tmp_path / "1.zip", entries, 2020)
    second = written(tmp_path / "2.zip", entries[::-1], 2026)
    assert first.read_bytes() != second.read_bytes()
    package.normalize(first)
    package.normalize(second)
    assert first.read_bytes() == second.read_bytes()


def test_contents_stay(tmp_path: Path) -> None:
    path = written(tmp_path / "1.zip", [("b.py", b"b"), ("a.py", b"a")], 2020)
    package.normalize(path)
    with zipfile.ZipFile(path) as found:
        assert found.namelist() == ["a.py", "b.py"]
        assert found.read("b.py") == b"b"


def test_bytecode_of_a_process_beside_the_build_is_left_out(tmp_path: Path) -> None:
    entries = [("chalicelib/__pycache__/a.cpython-311.pyc", b"x"), ("chalicelib/a.py", b"a")]
    path = written(tmp_path / "1.zip", entries, 2020)
    package.normalize(path)
    with zipfile.ZipFile(path) as found:
        assert found.namelist() == ["chalicelib/a.py"]


def test_packages_that_lambda_provides_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "1.zip", [("boto3/__init__.py", b"")], 2020)
    with pytest.raises(DeployError, match=r"boto3/__init__\.py"):
        package.check(path)


def test_package_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "SIZE_LIMIT", 100)
    path = written(tmp_path / "1.zip", [("app.py", b"x" * 200)], 2020)
    with pytest.raises(DeployError, match="at most 100"):
        package.check(path)


def test_libraries_of_deliver_are_moved_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    names = [
        "apprise/plugins/ntfy.py",
        "apprise/i18n/en.mo",
        "app.py",
        "requests-2.34.2.dist-info/METADATA",
        "chalicelib/a.py",
        "yaml/__init__.py",
    ]
    path = written(tmp_path / "1.zip", [(name, b"x") for name in names], 2020)
    package.normalize(path)
    once = path.read_bytes()
    with zipfile.ZipFile(path) as found:
        assert found.namelist() == [
            "app.py",
            "chalicelib/a.py",
            "libraries/apprise/plugins/ntfy.py",
            "libraries/requests-2.34.2.dist-info/METADATA",
        ]
    package.normalize(path)
    assert path.read_bytes() == once
