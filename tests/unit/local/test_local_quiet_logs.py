"""The terminal does not repeat a warning or a failure for each batch."""

from __future__ import annotations

import io
import logging

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from local import cli
from local.quiet_logs import EVERY_SECONDS, MOST_KINDS, OnceAMinute, TerminalFormatter

TIMEOUT = ReadTimeoutError(endpoint_url="http://127.0.0.1:1/")


class Shown(logging.Handler):
    """Keeps what passes, as it is printed."""

    def __init__(self, log: logging.Logger, verbose: bool = False) -> None:
        super().__init__()
        self.now = 0.0
        self.texts: list[str] = []
        self.quiet = OnceAMinute(verbose, lambda: self.now)
        self.addFilter(self.quiet)
        self.setFormatter(TerminalFormatter(verbose))
        log.handlers = [self]
        log.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record).removeprefix(f"{record.levelname} {record.name}: "))


def failed(log: logging.Logger, error: Exception, cause: Exception | None = None) -> None:
    """Log a handler's failure as the event source mappings do."""

    def handler() -> None:
        raise error from cause

    try:
        handler()
    except Exception:
        log.exception("%s failed on %d records", "ingest", 3)


def test_a_warning_with_the_same_reason_comes_once_a_minute() -> None:
    log = logging.getLogger("test-quiet-logs")
    shown = Shown(log)
    for second in range(0, 120, 20):
        shown.now = float(second)
        log.warning("quarantined %d, the first %s: %s", second + 1, f"A {second}", "source")
    later = f"quarantined {EVERY_SECONDS + 1:.0f}, the first A {EVERY_SECONDS:.0f}: source"
    assert shown.texts == [
        "quarantined 1, the first A 0: source",
        f"{later} (2 more were left out)",
    ]
    assert shown.quiet.left_out() == 2


def test_another_reason_and_every_error_are_shown_at_once() -> None:
    log = logging.getLogger("test-quiet-errors")
    shown = Shown(log)
    log.warning("quarantined %d: %s", 1, "source")
    log.warning("quarantined %d: %s", 1, "price")
    for _ in range(2):
        log.error("broken")
    assert shown.texts == ["quarantined 1: source", "quarantined 1: price", "broken", "broken"]


def test_a_warning_about_an_exception_is_not_new_because_the_exception_is() -> None:
    log = logging.getLogger("test-quiet-reasons")
    shown = Shown(log)
    for _ in range(3):
        log.warning("cannot wait for changes: %s", TimeoutError("timed out"))
    assert shown.texts == ["cannot wait for changes: timed out"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TIMEOUT, "no answer in time"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1/"), "no connection"),
        (ConnectionRefusedError(111, "Connection refused"), "the connection was refused"),
        (
            ClientError({"Error": {"Code": "ThrottlingException", "Message": "Slow"}}, "PutItem"),
            "ThrottlingException: Slow",
        ),
    ],
)
def test_an_expected_failure_is_a_plain_line_and_counted(error: Exception, words: str) -> None:
    log = logging.getLogger("test-quiet-failures")
    shown = Shown(log)
    for second in range(0, 80, 10):
        shown.now = float(second)
        failed(log, error)
        failed(log, RuntimeError("the store does not answer now"), cause=error)
    line = f"ingest failed on 3 records: {words}"
    assert shown.texts == [line, f"{line} (11 more were left out)"]
    assert shown.quiet.left_out() == 3


def test_an_unexpected_exception_shows_its_traceback_once_a_minute() -> None:
    log = logging.getLogger("test-quiet-faults")
    shown = Shown(log)
    for second in (0, 10, 61):
        shown.now = float(second)
        failed(log, KeyError("price"))
        failed(log, ValueError("no date"))
    assert len(shown.texts) == 4
    assert all("Traceback" in text for text in shown.texts)
    assert "ingest failed on 3 records (1 more were left out)\nTraceback" in shown.texts[2]


def test_a_failure_while_another_is_handled_is_not_taken_for_it() -> None:
    log = logging.getLogger("test-quiet-contexts")
    shown = Shown(log)
    try:
        raise TIMEOUT
    except ReadTimeoutError:
        failed(log, KeyError("price"))
    assert "KeyError: 'price'" in shown.texts[0]


def test_verbose_shows_every_traceback() -> None:
    log = logging.getLogger("test-quiet-verbose")
    shown = Shown(log, verbose=True)
    for _ in range(3):
        failed(log, TIMEOUT)
    assert len(shown.texts) == 3
    assert all("Traceback" in text for text in shown.texts)


def test_only_so_many_kinds_are_remembered() -> None:
    log = logging.getLogger("test-quiet-bounds")
    shown = Shown(log)
    for number in range(MOST_KINDS + 10):
        for _ in range(2):
            log.warning("quarantined: %s", f"reason {number}")
    assert len(shown.texts) == MOST_KINDS + 10
    assert shown.quiet.left_out() == MOST_KINDS


def test_a_run_limits_each_handler_by_itself_and_leaves_none_limited(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A filter that two handlers share would hide each exception from the second one."""
    log = logging.getLogger("test-quiet-handlers")
    outs = [io.StringIO(), io.StringIO()]
    handlers = [logging.StreamHandler(out) for out in outs]
    monkeypatch.setattr(logging.getLogger(), "handlers", handlers)

    def run(*_: object) -> int:
        failed(log, TIMEOUT)
        failed(log, TIMEOUT)
        return 0

    monkeypatch.setattr(cli, "_run", run)
    assert (
        cli.main(["--data", "none", "--source", "none", "--api-port", "0", "--page-port", "0"]) == 0
    )
    line = f"ERROR {log.name}: ingest failed on 3 records: no answer in time\n"
    assert [out.getvalue() for out in outs] == [line, line]
    assert capsys.readouterr().err == "1 repeated message left out\n"
    assert [(handler.filters, handler.formatter) for handler in handlers] == [([], None)] * 2
