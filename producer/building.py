"""Builds the source, sink and spool that the command line asks for."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from producer.claims import claims_of
from producer.errors import UsageError
from producer.files.asked import Asked
from producer.live_sources import AUTO, LIVE
from producer.publishing import table_of
from producer.sinks.base import Sink
from producer.source_plans import SourcePlans
from producer.sources.base import Source
from producer.spool import Spool
from producer.status import Status
from producer.watchlist import DefaultList, FixedList, TrackedList, Watchlist
from producer.wire import listed, symbols_of

MOST_TICKS = 1000
DEFAULT_FLUSH_SECONDS = 1.0

RECORDED_TICKS = 100
"""Ticks of a symbol per record when files are replayed at full speed: no tick waits for others."""


def make_sink(options: argparse.Namespace) -> Sink:
    """Build the sink. Raises UsageError if the sink's name, region or credentials are missing."""
    if options.sink == "stdout":
        from producer.sinks.stdout import StdoutSink

        return StdoutSink(sys.stdout.buffer)
    if options.sink == "sqs":
        from producer.sinks.sqs import SqsSink

        url = _required_name(options.queue_url, "--queue-url", "TICKS_QUEUE_URL")
        return SqsSink(url, *packing(options, MOST_TICKS))
    from producer.sinks.kinesis import KinesisSink

    stream = _required_name(options.stream, "--stream", "TICKS_STREAM")
    return KinesisSink(stream, *packing(options, RECORDED_TICKS if _is_quick(options) else 1))


def _is_quick(options: argparse.Namespace) -> bool:
    """Return whether files are replayed as fast as the sink accepts them. Return False for an
    archive."""
    if options.command != "replay" or options.speed is not None:
        return False
    from producer.files.opening import is_folder_of_files

    path = Path(options.file)
    return path.is_file() or is_folder_of_files(path)


def packing(options: argparse.Namespace, unless_asked: int) -> tuple[int, float]:
    """Return how many ticks of a symbol may share a record, and how long a tick may wait.

    The wait is in seconds. With `--ticks-per-record` alone a tick waits up to a second. With
    `--flush-seconds` alone the number of ticks is not limited. Without either flag `unless_asked`
    ticks share a record and no tick waits.
    """
    ticks, seconds = options.ticks_per_record, options.flush_seconds
    if ticks is None:
        return (MOST_TICKS, seconds) if seconds else (unless_asked, 0.0)
    if ticks == 1:
        return 1, 0.0
    return ticks, DEFAULT_FLUSH_SECONDS if seconds is None else seconds


def make_spool(options: argparse.Namespace, sink: Sink, status: Status) -> Spool | None:
    """Open the spool and delete its unusable rows; return None without `--spool`. Raises UsageError
    with `--sink stdout`, and if the file cannot be used."""
    if not options.spool:
        return None
    if options.sink == "stdout":
        raise UsageError("--spool: not with --sink stdout, which acknowledges nothing")
    spool = Spool(options.spool, sink.name)
    dropped = spool.drop_odd_rows(datetime.now(UTC))
    if dropped.lines:
        status.drop("unsendable", dropped.lines)
        status.note(f"--spool: lines that no sink takes, which are dropped: {dropped.lines:,}")
    if dropped.latest:
        status.note(f"--spool: last times that no tick has, which are dropped: {dropped.latest:,}")
    return spool


def identity_of(options: argparse.Namespace) -> str | None:
    """Return a text that identifies a replayed recording; None for other commands. The text holds
    the recording's path, size, time of change, symbols and days."""
    if options.command != "replay":
        return None
    path = Path(options.file)
    facts = path.stat() if path.is_file() else None
    size = f"{facts.st_size} bytes of {facts.st_mtime_ns}" if facts else "archive"
    return f"{path} ({size}) {options.symbols or ''} {options.since or ''} {options.until or ''}"


def make_source(
    options: argparse.Namespace, status: Status, stop: threading.Event, skip: int
) -> Source:
    """Build the source of a command. `skip` is the number of the recording's ticks that the spool
    already holds. Raises UsageError for options that cannot be used."""
    if options.command == "replay":
        return _replay(options, status, stop, skip)
    if options.command == "backfill":
        return _history(options, status, stop) if options.file else _backfill(options, status)
    return _stream(options, status, stop)


def _replay(
    options: argparse.Namespace, status: Status, stop: threading.Event, skip: int
) -> Source:
    from producer.sources.replay import Replay, open_recording

    recording = open_recording(
        options.file,
        _symbols(options),
        options.since,
        options.until,
        alerts=options.alerts,
        database=options.database or os.environ.get("ATHENA_DATABASE"),
        asked=asked_of(options),
        stop=stop,
    )
    recording.check()
    return Replay(recording, options.speed, status, skip)


def asked_of(options: argparse.Namespace) -> Asked:
    """Return the options for reading the user's price files."""
    return Asked(
        symbols=_symbols(options),
        rows_as=options.rows_as,
        bar=options.bar,
        day_first=options.day_first,
        timezone=options.timezone,
        label=options.as_source,
        history=options.command == "backfill",
        alerts=options.command == "replay" and options.alerts,
    )


def _history(options: argparse.Namespace, status: Status, stop: threading.Event) -> Source:
    """Build a source that sends the user's files as history."""
    from producer.files.opening import open_files
    from producer.sources.replay import Replay

    if options.period:
        raise UsageError("--period: only without --file, whose whole content is history")
    status.say("reading files")
    recording = open_files(options.file, asked_of(options), stop)
    recording.check()
    return Replay(recording, None, status, name="files")


def _backfill(options: argparse.Namespace, status: Status) -> Source:
    from producer.sources import yahoo
    from producer.sources.yahoo_history import Backfill
    from producer.sources.yfinance_poll import SYMBOLS

    status.note(yahoo.TERMS)
    watched = _watchlist(options, status, SYMBOLS, "yfinance").symbols()
    return Backfill(watched, options.period or "1y", options.bar or "1d", status)


def _stream(options: argparse.Namespace, status: Status, stop: threading.Event) -> Source:
    kind = options.source
    if kind == AUTO:
        from producer.sources import auto

        own, _ = listed(options.symbols or "", "--symbols")
        kind = auto.first_to_answer(status, stop, own, options.history_url)
    return LIVE[kind](options, status, lambda own: _watchlist(options, status, own, kind))


def _watchlist(
    options: argparse.Namespace, status: Status, default: tuple[str, ...], kind: str
) -> Watchlist:
    """Build the list of symbols to follow.

    Without named symbols it holds the source's own symbols. It also holds the tracked symbols if
    prices are streamed to AWS and the symbols table's name is known. If `tracked` is among the
    named symbols, the tracked symbols are added.
    """
    own, has_tracked = listed(options.symbols or "", "--symbols")
    if has_tracked:
        tracked = _tracked(
            options,
            _required_name(options.symbols_table, "--symbols-table", "SYMBOLS_TABLE"),
            status,
            kind,
        )
        return DefaultList(own, lambda: tracked, at_call=1) if own else tracked
    table = table_of(options, os.environ) if options.command == "stream" else ""
    if options.symbols or not table:
        return FixedList(own or default)
    return DefaultList(default, lambda: _tracked(options, table, status, kind))


def _tracked(options: argparse.Namespace, table: str, status: Status, kind: str) -> TrackedList:
    from producer.sinks import aws

    claims = claims_of(kind, status) if options.command == "stream" else None
    if claims is not None:
        claims.start()
    plans = SourcePlans(kind) if claims is None else claims.plans
    return TrackedList(table, aws.client("dynamodb"), status, plans)


def _symbols(options: argparse.Namespace) -> tuple[str, ...]:
    return symbols_of(options.symbols.split(","), "--symbols") if options.symbols else ()


def _required_name(value: str | None, flag: str, variable: str) -> str:
    """Return a name from a flag or else from an environment variable. Raises UsageError if neither
    is set."""
    name = value or os.environ.get(variable, "")
    if not name:
        raise UsageError(f"{flag} is needed (or the environment variable {variable})")
    return name
