"""The file by which commands find a running system."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from commands.outcomes import UsageError

_OTHERS, _OTHERS_WRITE = 0o077, 0o022


def folder() -> Path:
    """Return this user's private folder for running files; create it if it is missing.

    Raises UsageError if another user owns it or can write to it, as in a shared folder.
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
    "the folder for running systems must be yours, and nobody else may write to it; "
    "remove it, or set XDG_RUNTIME_DIR or TMPDIR to a folder of your own"
)


def _place() -> Path:
    """Return the folder's path: in XDG_RUNTIME_DIR, which is private, or the temporary folder."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given.startswith("/"):
        with contextlib.suppress(OSError):
            if Path(given).stat().st_uid == os.getuid():
                return Path(given) / "ticktape"
    return Path(tempfile.gettempdir()) / f"ticktape-{os.getuid()}"


def write(facts: Mapping[str, object]) -> Path:
    """Write the facts by which commands reach this process's system. Return the file's path."""
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
    """Return the running systems' facts, newest first. Remove the files of killed processes."""
    found = []
    for path in sorted(folder().glob("*.json"), key=_changed, reverse=True):
        with contextlib.suppress(FileNotFoundError):  # it ended meanwhile
            if _is_alive(int(path.stem)):
                found.append(json.loads(_own_text(path)))
            else:
                path.unlink()
    return found


def _own_text(path: Path) -> str:
    """Return a file's text. Raises UsageError if another user owns the file or may read it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; remove it") from error
    with os.fdopen(descriptor) as file:
        status = os.fstat(file.fileno())
        if status.st_uid != os.getuid() or status.st_mode & _OTHERS:
            raise UsageError(f"{path}: the file must be yours and readable only by you; remove it")
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
