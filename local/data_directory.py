"""The folder that `--data` names: what survives a restart, used by one system at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from local.errors import UsageError


class DataDirectory:
    """An open data folder, locked until closed or until the process ends, however it ends.

    Raises UsageError when the folder cannot be written or another process uses it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock: IO[str] = (path / "lock").open("a+")
        except OSError as error:
            raise UsageError(f"--data {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = self._holder()
            self._lock.close()
            raise UsageError(f"--data {path}: in use by {holder}; give another folder") from error
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
