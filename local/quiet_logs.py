"""Limits the log in a terminal: the same warning appears at most once a minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

EVERY_SECONDS = 60.0


class OnceAMinute(logging.Filter):
    """Suppresses a warning with the same message and last argument as another of the last minute.

    Without it, a producer whose every batch is quarantined would fill the terminal. The panel and
    the status lines show the counts. Errors always pass.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._shown: dict[tuple[object, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to show the log record."""
        if record.levelno >= logging.ERROR:
            return True
        arguments = record.args if isinstance(record.args, tuple) else ()
        now = self._now()
        said = (record.name, record.msg, *arguments[-1:])
        self._shown = {key: at for key, at in self._shown.items() if now - at < EVERY_SECONDS}
        if said in self._shown:
            return False
        self._shown[said] = now
        return True
