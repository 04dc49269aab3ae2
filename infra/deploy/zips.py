"""Writes zips so that the same files give the same bytes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


def write(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write a zip of named contents in the given order. All entries have the same time and mode."""
    scratch = path.with_suffix(".tmp")
    with zipfile.ZipFile(scratch, "w") as target:
        for name, content in files:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _MODE
            target.writestr(entry, content, compresslevel=9)
    scratch.replace(path)
