"""The page server's service worker is made once for the files as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from infra.page_files import ROOT
from local import page_server
from local.page_server import Files, asset


def test_worker_is_made_again_only_when_a_file_or_the_settings_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "page"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns("vendor"))
    made: list[bytes] = []

    def counted(source: bytes, tags: dict[str, str]) -> bytes:
        made.append(source)
        return source + repr(sorted(tags.items())).encode()

    monkeypatch.setattr(page_server, "worker", counted)
    files = Files(root, "start")
    settings = asset(b"{}", "application/json")
    first = files.worker(settings)
    assert files.worker(settings) is first
    assert len(made) == 1
    changed = root / "index.html"
    changed.write_bytes(changed.read_bytes() + b"\n<!-- changed -->\n")
    second = files.worker(settings)
    assert second is not None
    assert second is not first
    files.worker(asset(b'{"api": ""}', "application/json"))
    assert len(made) == 3
