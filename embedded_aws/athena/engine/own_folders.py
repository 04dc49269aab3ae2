"""Makes the engine's temporary folder, and deletes the folders that earlier engines left behind.

All users share the folder for temporary files, so another user may have created anything there
under our names. Only folders of this user are deleted. No error here keeps an engine from starting.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "ticktape-athena-"


@contextmanager
def own_folder() -> Iterator[Path]:
    """Make a private temporary folder for this engine, and delete the folder at the end."""
    with tempfile.TemporaryDirectory(
        prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def remove_left() -> None:
    """Delete the temporary folders of this user's engines that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        number = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if number.isdecimal() and not Path(f"/proc/{number}").exists() and _is_own(folder):
            _remove(folder)


def _is_own(folder: Path) -> bool:
    """Return whether the path is a folder of this user, not a link, and closed to others."""
    try:
        found = folder.lstat()
    except OSError:  # the folder is already gone
        return False
    is_closed = not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and is_closed


def _remove(folder: Path) -> None:
    """Delete an engine's folder, unless it is nested more deeply than an engine's ever is."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except RecursionError:  # up to Python 3.12
        return
