"""The file by which commands find a running system."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.errors import UsageError

_OTHERS, _OTHERS_WRITE = 0o077, 0o022


def folder() -> Path:
    """Return this user's private folder of running systems.

    In a shared folder another user could have created it first. Raises UsageError then.
    """
    path = _place()
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    try:
        found = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise UsageError(f"{path}: {_NOT_OURS}") from error
    try:
        status = os.fstat(found)
        if status.st_uid != os.getuid() or status.st_mode & _OTHERS_WRITE:
            raise UsageError(f"{path}: {_NOT_OURS}")
        os.fchmod(found, 0o700)
    finally:
        os.close(found)
    return path


_NOT_OURS = (
    "the folder of running systems must be a folder of yours that nobody else can write to; "
    "remove it, or set XDG_RUNTIME_DIR or TMPDIR to a folder of your own"
)


def _place() -> Path:
    """Return a place below XDG_RUNTIME_DIR, which is private, or else below the temporary
    folder."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given.startswith("/"):
        with contextlib.suppress(OSError):
            if Path(given).stat().st_uid == os.getuid():
                return Path(given) / "ticktape"
    return Path(tempfile.gettempdir()) / f"ticktape-{os.getuid()}"


def write(facts: Mapping[str, object]) -> Path:
    """Write how to reach this process's system; replaces its earlier file."""
    path = folder() / f"{os.getpid()}.json"
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"pid": os.getpid(), **facts}, file)
    new.replace(path)
    return path


def remove() -> None:
    """Remove the file of this process's system."""
    with contextlib.suppress(UsageError):  # the folder was refused, so nothing was written
        (folder() / f"{os.getpid()}.json").unlink(missing_ok=True)


def find() -> list[dict[str, Any]]:
    """Return the running systems, newest first; remove files of killed processes."""
    found = []
    for path in sorted(folder().glob("*.json"), key=_changed, reverse=True):
        with contextlib.suppress(FileNotFoundError):  # it ended meanwhile
            if _is_alive(int(path.stem)):
                found.append(json.loads(_own_text(path)))
            else:
                path.unlink()
    return found


def _own_text(path: Path) -> str:
    """Return the text of a file that only this user can read. Raises UsageError for any other."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; remove it") from error
    with os.fdopen(descriptor) as file:
        status = os.fstat(file.fileno())
        if status.st_uid != os.getuid() or status.st_mode & _OTHERS:
            raise UsageError(f"{path}: not a file that you alone can read; remove it")
        return file.read()


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
