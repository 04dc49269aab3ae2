"""Reads the collector's environment variables, which correspond to the flags of `stream`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping

import msgspec

from producer.arguments import parse
from producer.errors import UsageError
from producer.wire import listed

SOURCES = ("yfinance", "simulator", "auto")
FLAGS = {
    "COLLECTOR_INTERVAL": "--interval",
    "COLLECTOR_TICKS_PER_RECORD": "--ticks-per-record",
    "COLLECTOR_FLUSH_SECONDS": "--flush-seconds",
    "TICKS_STREAM": "--stream",
    "TICKS_QUEUE_URL": "--queue-url",
}
"""Variables that correspond to flags of `stream`."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The collector's settings. `options` are the options of `stream`. `symbols` are followed in
    addition to the tracked symbols; None stands for the source's own symbols."""

    stage: str
    table: str
    source: str
    symbols: tuple[str, ...] | None
    options: argparse.Namespace


def load(environ: Mapping[str, str]) -> Settings:
    """Parse the collector's environment variables. An empty variable counts as unset. Raises
    UsageError with the variable's name and what is allowed."""
    source = environ.get("COLLECTOR_SOURCE") or SOURCES[0]
    if source not in SOURCES:
        raise UsageError(f"COLLECTOR_SOURCE: {source!r}; allowed: {', '.join(SOURCES)}")
    if not environ.get("SYMBOLS_TABLE"):
        raise UsageError("SYMBOLS_TABLE is needed: the name of the symbols table")
    return Settings(
        stage=environ.get("STAGE") or "dev",
        table=environ["SYMBOLS_TABLE"],
        source=source,
        symbols=_symbols(environ.get("COLLECTOR_SYMBOLS", "")),
        options=_options(environ),
    )


def _symbols(text: str) -> tuple[str, ...] | None:
    return listed(text, "COLLECTOR_SYMBOLS")[0] if text else None


def _options(environ: Mapping[str, str]) -> argparse.Namespace:
    sinks = [name for name in ("TICKS_STREAM", "TICKS_QUEUE_URL") if environ.get(name)]
    if len(sinks) != 1:
        raise UsageError(
            "TICKS_STREAM, TICKS_QUEUE_URL: exactly one is needed, "
            f"{'both are' if sinks else 'neither is'} set"
        )
    given = [f"{flag}={environ[name]}" for name, flag in FLAGS.items() if environ.get(name)]
    sink = "kinesis" if sinks == ["TICKS_STREAM"] else "sqs"
    try:
        return parse(["stream", "--sink", sink, *given])
    except UsageError as error:
        raise UsageError(_by_variable(str(error))) from error


def _by_variable(message: str) -> str:
    """Replace the flag at the start of a message by the name of its environment variable."""
    names = {flag: name for name, flag in FLAGS.items()}
    return re.sub(r"^--[a-z-]+", lambda found: names.get(found[0], found[0]), message)
