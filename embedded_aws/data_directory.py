"""The folder that keeps what survives a restart, used by one process at a time."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path
from typing import IO

from embedded_aws.errors import FolderError
from untrusted.journals import names_super_journal

OWN, OWN_FILE = 0o700, 0o600
"""What only this user may read and write."""

_OURS = re.compile(r"lock|(aws|checkpoints)\.sqlite(-\w+)?")
"""The names of the files that a system writes."""


class DataDirectory:
    """An open data folder, locked until closed or until the process ends, however it ends.

    No other user of the machine can read it, whatever it was before. Raises FolderError when the
    folder is another user's or cannot be written, when a file of ours in it is a link or would
    have SQLite delete another file, or when another process uses it.
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
        """The emulator's file: tables, streams and objects."""
        return self.path / "aws.sqlite"

    @property
    def checkpoints(self) -> Path:
        """The poller's file."""
        return self.path / "checkpoints.sqlite"

    def close(self) -> None:
        """Let another process use the folder."""
        self._lock.close()

    def _holder(self) -> str:
        self._lock.seek(0)
        number = self._lock.read().strip()
        return f"process {number}" if number else "another process"


def _opened(path: Path) -> int:
    """A file to write to that is no link, made where it is not there."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, OWN_FILE)


def _close_to_others(path: Path) -> None:
    """The folder, and our files in it, which earlier versions left open to be read. A folder may
    come from somebody else: a link in it would have another file overwritten."""
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
