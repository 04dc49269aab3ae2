"""The command `python -m producer`: parses arguments, runs the pipeline and returns an exit
status."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import threading
from collections.abc import Sequence

from producer import building, region
from producer.arguments import parse
from producer.endings import Ended, on_end_signal
from producer.errors import ProducerError, UsageError
from producer.outbox import Outbox
from producer.pipeline import Outcome, Pipeline
from producer.progress import Progress
from producer.publishing import published
from producer.reasons import in_full
from producer.reporting import JsonReporter, Reporter
from producer.sender import Sender
from producer.sources.base import Continuing
from producer.status import Status
from untrusted.printable import printable

OK, FAILED, USAGE = 0, 1, 2
_ENDING = (signal.SIGTERM, signal.SIGINT)


def main(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status. `--help` lists the statuses."""
    region.adopt(os.environ)
    try:
        return run(parse(arguments))
    except ProducerError as error:
        print(printable(f"python -m producer: {error}"), file=sys.stderr)
        if "--verbose" in arguments and error.__cause__ is not None:
            print(printable(f"caused by {in_full(error.__cause__)}"), file=sys.stderr)
        return USAGE if isinstance(error, UsageError) else FAILED


def run(options: argparse.Namespace) -> int:
    """Build source and sink, run the pipeline and report how it ended. Return the exit status.
    Raises UsageError if the sink refuses for good, and other ProducerErrors."""
    reporter = make_reporter()
    status = Status(reporter.tell, verbose=options.verbose)
    status.source = getattr(options, "source", options.command)
    try:
        stop = threading.Event()
        with (
            on_end_signal(_ENDING, stop.set, at_once=True) as endings,
            published(options, status),
        ):
            with endings.at_once():  # scanning a large file takes minutes
                pipeline = _pipeline(options, reporter, status, stop)
            outcome = pipeline.run(stop, options.drain)
            if outcome.refusal is not None:
                status.failed(outcome.refusal)
    except Ended:
        reporter.end("stopped before anything was sent: run the same command to start again")
        return OK
    finally:
        reporter.stop()
    return _ended(outcome, reporter, kept=bool(options.spool))


def make_reporter() -> Reporter:
    """Return a reporter that shows a table in a terminal, and writes JSON lines elsewhere."""
    if sys.stderr.isatty():
        from producer.table import TableReporter

        return TableReporter()
    return JsonReporter(sys.stderr)


def _pipeline(
    options: argparse.Namespace, reporter: Reporter, status: Status, stop: threading.Event
) -> Pipeline:
    sink = building.make_sink(options)
    spool = building.make_spool(options, sink, status)
    progress = Progress(spool, building.identity_of(options)) if spool else None
    source = building.make_source(options, status, stop, progress.taken if progress else 0)
    if progress and isinstance(source, Continuing):
        source.continue_after(progress.latest)
    status.source, status.sink = source.name, sink.name
    outbox = Outbox(sink.key, spool=spool)
    if outbox.pending:
        status.note(f"{outbox.pending:,} lines of an earlier run are sent first")
    sender = Sender(outbox, sink, status, random.Random())  # noqa: S311 - jitter
    pipeline = Pipeline(source, outbox, sender, status, progress=progress)
    reporter.start(status)
    return pipeline


def _ended(outcome: Outcome, reporter: Reporter, *, kept: bool) -> int:
    if outcome.refusal is not None:
        raise UsageError(outcome.refusal)
    sent = f"{outcome.ticks:,} ticks and {outcome.bars:,} bars sent"
    if outcome.is_cut:
        sent += ", which is not all: the same command sends the rest"
    if not outcome.left:
        reporter.end(sent)
        return OK
    what = "kept in the spool for the next start" if kept else "not delivered: lost (see --spool)"
    reporter.end(f"{sent}, {outcome.left:,} {what}")
    return OK if kept else FAILED
