"""The command line: its flags, and functions that parse their values. These functions raise
ArgumentTypeError for a value that is not allowed."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

from producer import configuration
from producer.errors import UsageError
from producer.files.asked import Label
from producer.live_sources import AUTO, LIVE
from producer.wire import symbols_of

SOURCES = (AUTO, *LIVE)
BARS = ("1m", "1h", "1d")
PERIODS = ("1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max")
SINKS = ("kinesis", "sqs", "stdout")

_EXAMPLES = """\
examples:
  python -m producer stream --source simulator --sink stdout
  python -m producer stream --source yfinance --symbols AAPL,MSFT --stream ticktape-dev-ticks
  python -m producer stream --source coinbase --symbols BTC-USD,ETH-USD --sink stdout
  python -m producer stream --symbols tracked --spool spool.db --stream ticktape-dev-ticks
  python -m producer replay days.csv --symbols AAPL --speed max --sink stdout
  python -m producer backfill --symbols AAPL,MSFT --period 1y --bar 1d --sink stdout
  python -m producer backfill --file minutes/ AAPL.csv --as-source yfinance --sink stdout

exit status: 0 ended normally, 1 ended with an error, undelivered ticks or a symbol without history,
2 invalid flag, file or name.
"""


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError with one line instead of printing the usage and exiting."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with the message of argparse."""
        raise UsageError(message.removeprefix("argument "))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse a command line. A configuration file provides the defaults. Raises UsageError with a
    message of one line, and SystemExit after `--help`."""
    top, commands = parsers()
    options = top.parse_args(arguments)
    if options.config:
        configuration.apply(options.config, commands[options.command])
        options = top.parse_args(arguments)
    return options


def parsers() -> tuple[Parser, dict[str, argparse.ArgumentParser]]:
    """Return the parser of the whole command line, and the parser of each command by its name."""
    top = Parser(
        prog="python -m producer",
        description="Sends ticks from a source to a stream, in order and at least once.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="stream|replay|backfill")
    _stream(commands.add_parser("stream", help="send history, then live or simulated prices"))
    _replay(commands.add_parser("replay", help="send a recording"))
    _backfill(commands.add_parser("backfill", help="send history, which raises no alerts"))
    for command in commands.choices.values():
        command.epilog = _EXAMPLES
        command.allow_abbrev = False
        command.formatter_class = argparse.RawDescriptionHelpFormatter
        command.add_argument(
            "--config",
            metavar="PATH",
            help="TOML file with these flags; the command line wins",
        )
        command.add_argument("--verbose", action="store_true", help="show the full text of errors")
        _sink(command)
    return top, dict(commands.choices)


def _stream(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--source", choices=SOURCES, default=AUTO, help="where prices come from (default auto)"
    )
    command.add_argument(
        "--symbols",
        metavar="A,B,tracked",
        help="symbols to follow: `A,B` these only, `tracked` the tracked ones only; default: 25 "
        "large companies (12 pairs for coinbase and binance, 25 fictional companies for the "
        "simulator), and the tracked ones if the sink is on AWS and the symbols table is named",
    )
    command.add_argument(
        "--interval",
        type=interval_seconds,
        metavar="SECONDS",
        help="seconds between polls, or over which a symbol's trades are joined (default 15 for "
        "yfinance, 2 for the simulator, 1 for coinbase, binance and alpaca)",
    )
    _symbols_table(command)
    command.add_argument("--seed", type=int, default=1, help="seed of the simulator (default 1)")
    command.add_argument(
        "--no-history", action="store_true", help="send live ticks only, without history"
    )
    command.add_argument(
        "--ignore-hours", action="store_true", help="poll even while the exchange is closed"
    )
    command.add_argument(
        "--feed",
        choices=("iex", "sip"),
        default="iex",
        help="Alpaca's feed: iex, one exchange, free (default), or sip, all exchanges",
    )
    command.add_argument(
        "--live-url", metavar="URL", help="address of the live stream, in place of the source's own"
    )
    command.add_argument(
        "--history-url",
        metavar="URL",
        help="address of the history of coinbase, binance and alpaca, in place of their own",
    )


def _symbols_table(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--symbols-table",
        metavar="NAME",
        help="table of tracked symbols and the producer's status (default: $SYMBOLS_TABLE)",
    )


def _replay(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file",
        metavar="FILE",
        help="CSV, NDJSON (both also .gz) or Parquet; or the archive: a folder, s3://bucket/raw/ "
        "or s3://bucket/ticks/ with compacted days",
    )
    command.add_argument("--symbols", metavar="A,B", help="default: all in the file")
    reading(command.add_argument_group("files"))
    command.add_argument(
        "--bar", choices=BARS, help="length of a file's bars (default: recognised)"
    )
    command.add_argument(
        "--speed",
        type=speed,
        default=None,
        metavar="N|max",
        help="how many times as fast as recorded (default max)",
    )
    command.add_argument(
        "--from",
        dest="since",
        type=day,
        metavar="DAY",
        help="first day: of arrival for raw/, of trading for ticks/",
    )
    command.add_argument("--to", dest="until", type=day, metavar="DAY", help="last day, included")
    command.add_argument(
        "--database",
        metavar="NAME",
        help="Glue database that lists the files of compacted days (default: $ATHENA_DATABASE)",
    )
    command.add_argument(
        "--alerts",
        action="store_true",
        help="send alerts raised by the recording (default: only record them)",
    )


def reading(group: argparse._ActionsContainer) -> None:
    """Add the flags that say how to read price files."""
    group.add_argument(
        "--as",
        dest="rows_as",
        choices=("bars", "ticks"),
        help="what the rows are (default: bars if they have open, high, low and close)",
    )
    group.add_argument(
        "--day-first",
        action="store_true",
        help="read 03/04/2024 as 3 April if a file's dates are ambiguous",
    )
    group.add_argument(
        "--timezone",
        type=timezone,
        metavar="ZONE",
        help="time zone of times without offset, such as Europe/Warsaw (default: the exchange's)",
    )
    group.add_argument(
        "--as-source",
        type=label,
        metavar="NAME[=A,B]",
        help="source under which a file's prices are stored, for all symbols or those named "
        "(default: the file's own, or replay)",
    )


def _backfill(command: argparse.ArgumentParser) -> None:
    command.add_argument("--symbols", metavar="A,B|tracked", help="default: 25 large companies")
    _symbols_table(command)
    command.add_argument("--period", choices=PERIODS, help="length of Yahoo's history (default 1y)")
    command.add_argument(
        "--bar", choices=BARS, help="length of the bars (default 1d; recognised in files)"
    )
    command.add_argument(
        "--file",
        nargs="+",
        action="extend",
        type=Path,
        metavar="PATH",
        help="files or folders to read in place of Yahoo's history",
    )
    reading(command.add_argument_group("files"))


def _sink(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("sink")
    group.add_argument(
        "--sink", choices=SINKS, default="kinesis", help="where ticks are sent (default kinesis)"
    )
    group.add_argument("--stream", metavar="NAME", help="Kinesis stream (default: $TICKS_STREAM)")
    group.add_argument(
        "--queue-url", metavar="URL", help="SQS FIFO queue (default: $TICKS_QUEUE_URL)"
    )
    group.add_argument(
        "--ticks-per-record",
        type=ticks_per_record,
        metavar="N",
        help="most ticks of a symbol per record (default 1; 100 for a file replayed at full "
        "speed; unlimited with --flush-seconds)",
    )
    group.add_argument(
        "--flush-seconds",
        type=flush_seconds,
        metavar="SECONDS",
        help="longest time a tick waits for others of its symbol (default 0; 1 with "
        "--ticks-per-record above 1)",
    )
    group.add_argument(
        "--spool", metavar="PATH", help="keep unacknowledged records on disk, across restarts"
    )
    group.add_argument(
        "--drain",
        type=seconds,
        default=3.0,
        metavar="SECONDS",
        help="longest time to send waiting records after SIGTERM or Ctrl-C (default 3)",
    )


def number(text: str, low: float, high: float, allowed: str) -> float:
    """Parse a number from `low` to `high`. `allowed` describes the range in error messages."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: {allowed}")
    return value


def interval_seconds(text: str) -> float:
    """Parse the seconds between polls, from 0.05 to 86,400."""
    return number(text, 0.05, 86_400, "0.05 to 86400 seconds")


def seconds(text: str) -> float:
    """Parse a duration of 0 to 3,600 seconds."""
    return number(text, 0, 3600, "0 to 3600 seconds")


def flush_seconds(text: str) -> float:
    """Parse the seconds that a tick may wait for others, 0 to 60. Ticks more than a minute apart
    could not share an item of the prices table."""
    return number(text, 0, 60, "0 to 60 seconds")


def day(text: str) -> date:
    """Parse a date like 2026-11-20."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not allowed; allowed: a date like 2026-11-20"
        ) from None


def timezone(text: str) -> str:
    """Parse the name of an IANA time zone."""
    try:
        return ZoneInfo(text).key
    except (KeyError, ValueError, OSError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not allowed; allowed: a zone of the IANA database, such as Europe/Berlin"
        ) from None


def label(text: str) -> Label:
    """Parse `NAME` or `NAME=A,B`: the source of all symbols in a file, or of the listed symbols.
    Raises ArgumentTypeError for an invalid name, UsageError for an invalid symbol."""
    name, equals, symbols = text.partition("=")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name) or (equals and not symbols):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not allowed; allowed: a name of 1 to 64 of A-Z a-z 0-9 . _ -, the first a"
            " letter or digit, with =A,B behind it for some symbols"
        )
    some = frozenset(symbols_of(symbols.split(","), "--as-source")) if symbols else None
    return Label(name, some, text)


def speed(text: str) -> float | None:
    """Parse a replay's speed; return None for `max`."""
    return None if text == "max" else number(text, 1e-6, 1e9, "max, or a number above 0")


def ticks_per_record(text: str) -> int:
    """Parse the number of ticks that may share a record, 1 to 1,000."""
    return whole_number(text, 1, 1000)


def whole_number(text: str, low: int, high: int) -> int:
    """Parse a whole number from `low` to `high`."""
    if not text.isdecimal() or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: {low} to {high}")
    return int(text)
