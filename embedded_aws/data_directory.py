"""The data folder, which survives restarts and is used by one process at a time."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path
from typing import IO

from embedded_aws.errors import FolderError
from untrusted.journals import names_super_journal

OWN, OWN_FILE = 0o700, 0o600
"""Modes of a folder and a file that only this user may access."""

_OURS = re.compile(r"lock|(aws|checkpoints)\.sqlite(-\w+)?")
"""Names of the files that the embedded AWS writes into a data folder."""


class DataDirectory:
    """An open data folder, locked until it is closed or the process ends.

    No other user of the machine can read the folder, whatever its mode was before. Raises
    FolderError if the folder belongs to another user, cannot be written, or is used by another
    process. It is also raised if one of our files is a link or would make SQLite delete a file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=OWN, parents=True, exist_ok=True)
            _close_to_others(path)
            self._lock: IO[str] = os.fdopen(_opened(path / "lock"), "a+")
        except OSError as error:
            raise FolderError(f"{path}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = self._holder()
            self._lock.close()
            raise FolderError(f"{path}: in use by {holder}; give another folder") from error
        self._lock.seek(0)
        self._lock.truncate()
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    @property
    def emulator(self) -> Path:
        """Return the path of the emulator's file, which holds tables, streams and objects."""
        return self.path / "aws.sqlite"

    @property
    def checkpoints(self) -> Path:
        """Return the path of the file with the checkpoints of event source mappings."""
        return self.path / "checkpoints.sqlite"

    def close(self) -> None:
        """Release the folder's lock."""
        self._lock.close()

    def _holder(self) -> str:
        self._lock.seek(0)
        number = self._lock.read().strip()
        return f"process {number}" if number else "another process"


def _opened(path: Path) -> int:
    """Open a file for writing; create it if it is missing. Raises OSError for a link."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, OWN_FILE)


def _close_to_others(path: Path) -> None:
    """Deny other users access to the folder and to our files, which earlier versions left readable.

    Somebody else may have made the folder. A link in it could make us overwrite another file.
    """
    if path.stat().st_uid != os.getuid():
        raise FolderError(f"{path}: it belongs to another user; give a folder of your own")
    path.chmod(OWN)
    for entry in path.iterdir():
        if not _OURS.fullmatch(entry.name):
            continue
        if entry.is_symlink() or not entry.is_file() or entry.stat().st_nlink > 1:
            raise FolderError(f"{path}: {entry.name} is a link; give another folder")
        if entry.name.endswith("-journal") and names_super_journal(entry):
            reason = f"{entry.name} would have SQLite delete another file"
            raise FolderError(f"{path}: {reason}; give another folder")
        entry.chmod(OWN_FILE)
