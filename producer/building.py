"""Source and sink as the options say."""

from __future__ import annotations

import argparse
import os
import sys
import threading

from producer.errors import UsageError
from producer.sinks.base import Sink
from producer.sources.base import Source
from producer.status import Status
from producer.wire import symbols_of


def make_sink(options: argparse.Namespace) -> Sink:
    """The sink. Raises UsageError where its name, region or credentials are missing."""
    if options.sink == "stdout":
        from producer.sinks.stdout import StdoutSink

        return StdoutSink(sys.stdout.buffer)
    from producer.sinks.kinesis import KinesisSink

    stream = options.stream or os.environ.get("TICKS_STREAM", "")
    if not stream:
        raise UsageError("--stream: the name of a Kinesis stream is needed (or $TICKS_STREAM)")
    return KinesisSink(stream, options.ticks_per_record, options.linger)


def make_source(options: argparse.Namespace, status: Status, stop: threading.Event) -> Source:
    """The source of a command."""
    symbols = symbols_of((options.symbols or "").split(","), "--symbols") if options.symbols else ()
    if options.command == "replay":
        from producer.sources.replay import Replay, check, open_recording

        check(options.file, symbols)
        return Replay(open_recording(options.file, symbols), options.speed, status)
    return _live(options, symbols, status, stop)


def _live(
    options: argparse.Namespace, symbols: tuple[str, ...], status: Status, stop: threading.Event
) -> Source:
    if options.source in ("auto", "yfinance"):
        from producer.sources import auto

        if options.source == "yfinance" or auto.yahoo_answers(status, stop):
            from producer.sources import yfinance_poll

            interval = options.interval or yfinance_poll.DEFAULT_INTERVAL_SECONDS
            return yfinance_poll.YfinancePoll(
                symbols, status, interval=interval, history=not options.no_history
            )
    from producer.sources.simulator import DEFAULT_INTERVAL_SECONDS, SYMBOLS, Simulator

    return Simulator(
        symbols or SYMBOLS,
        seed=options.seed,
        interval=options.interval or DEFAULT_INTERVAL_SECONDS,
        history=not options.no_history,
        say=status.say,
    )
