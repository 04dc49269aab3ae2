"""The file by which other commands find a running system."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def folder() -> Path:
    """This user's folder of running systems; readable by this user alone."""
    path = Path(tempfile.gettempdir()) / f"ticktape-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def write(facts: Mapping[str, object]) -> Path:
    """Tell where this process's system can be reached. Overwrites its earlier telling."""
    path = folder() / f"{os.getpid()}.json"
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"pid": os.getpid(), **facts}, file)
    new.replace(path)
    return path


def remove() -> None:
    """This process's system can be reached no more."""
    (folder() / f"{os.getpid()}.json").unlink(missing_ok=True)


def find() -> list[dict[str, Any]]:
    """The systems that run, newest first; what processes left that were killed is removed."""
    found = []
    for path in sorted(folder().glob("*.json"), key=_changed, reverse=True):
        with contextlib.suppress(FileNotFoundError):  # it ended meanwhile
            if _is_alive(int(path.stem)):
                found.append(json.loads(path.read_text()))
            else:
                path.unlink()
    return found


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
