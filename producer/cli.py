"""`python -m producer`: from arguments to a running pipeline, and to an exit status."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from producer.arguments import parser
from producer.building import make_sink, make_source
from producer.errors import SourceError, UsageError
from producer.outbox import Outbox
from producer.pipeline import Outcome, Pipeline
from producer.reporting import JsonReporter, Reporter
from producer.sender import Sender
from producer.status import Status

OK, FAILED, USAGE = 0, 1, 2
_ENDING = (signal.SIGTERM, signal.SIGINT)


def main(arguments: Sequence[str]) -> int:
    """Run a command; the exit status is documented in `--help`."""
    try:
        return run(parser().parse_args(arguments))
    except UsageError as error:
        print(f"python -m producer: {error}", file=sys.stderr)
        return USAGE
    except SourceError as error:
        print(f"python -m producer: {error}", file=sys.stderr)
        return FAILED


def run(options: argparse.Namespace) -> int:
    """Build source and sink, run them, say how it ended."""
    reporter = JsonReporter(sys.stderr)
    with _stopping() as stop:
        outcome = _pipeline(options, reporter, stop).run(stop, options.flush)
    return _ended(outcome, reporter)


def _pipeline(options: argparse.Namespace, reporter: Reporter, stop: threading.Event) -> Pipeline:
    status = Status(reporter.tell)
    sink = make_sink(options)
    source = make_source(options, status, stop)
    status.source, status.sink = source.name, sink.name
    reporter.start(status)
    outbox = Outbox(sink.key)
    sender = Sender(outbox, sink, status, random.Random())  # noqa: S311 - jitter
    return Pipeline(source, outbox, sender, status)


def _ended(outcome: Outcome, reporter: Reporter) -> int:
    if outcome.refusal is not None:
        raise UsageError(outcome.refusal)
    sent = f"{outcome.ticks} ticks and {outcome.bars} bars sent"
    if outcome.left:
        reporter.end(f"{sent}, {outcome.left} not delivered")
        return FAILED
    reporter.end(sent)
    return OK


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set; the second of them ends the process at once."""
    stop = threading.Event()

    def end(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()

    before = {number: signal.signal(number, end) for number in _ENDING}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
