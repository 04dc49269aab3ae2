"""The terminal does not repeat a warning for each batch."""

from __future__ import annotations

import logging

from local.quiet_logs import EVERY_SECONDS, OnceAMinute


class Shown(logging.Handler):
    """Keeps what passes."""

    def __init__(self, log: logging.Logger) -> None:
        super().__init__()
        self.now = 0.0
        self.texts: list[str] = []
        self.addFilter(OnceAMinute(lambda: self.now))
        log.addHandler(self)
        log.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def test_a_warning_with_the_same_reason_comes_once_a_minute() -> None:
    log = logging.getLogger("test-quiet-logs")
    shown = Shown(log)
    for second in range(0, 120, 20):
        shown.now = float(second)
        log.warning("quarantined %d, the first %s: %s", second + 1, f"A {second}", "source")
    assert shown.texts == [
        "quarantined 1, the first A 0: source",
        f"quarantined {EVERY_SECONDS + 1:.0f}, the first A {EVERY_SECONDS:.0f}: source",
    ]


def test_another_reason_and_every_error_are_shown_at_once() -> None:
    log = logging.getLogger("test-quiet-errors")
    shown = Shown(log)
    log.warning("quarantined %d: %s", 1, "source")
    log.warning("quarantined %d: %s", 1, "price")
    for _ in range(2):
        log.error("broken")
    assert shown.texts == ["quarantined 1: source", "quarantined 1: price", "broken", "broken"]
