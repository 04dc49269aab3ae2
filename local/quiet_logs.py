"""What a terminal shows of the log: the same warning at most once a minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

EVERY_SECONDS = 60.0


class OnceAMinute(logging.Filter):
    """Passes a warning whose words, or whose last text (the reason), are not those of another of
    the last minute.

    A producer whose every batch goes to quarantine would else fill the terminal with lines; how
    many there were, the panel and the status say. Errors always pass.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._shown: dict[tuple[object, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is shown."""
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
