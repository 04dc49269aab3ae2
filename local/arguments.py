"""Parses and checks the command line of `python -m local` before anything starts."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import NoReturn

import msgspec

from chalicelib.settings import BARS, EVERY_TICK
from commands.outcomes import UsageError
from embedded_aws.http_server import is_free
from local import own_files
from producer import arguments as producer_arguments
from producer import errors as producer_errors
from producer.wire import symbols_of

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]", re.ASCII)

SOURCES = (*producer_arguments.SOURCES, "replay", "none")
COLLECTED = ("auto", "yfinance", "simulator")
"""Sources that the collector's function can run, since they keep no connection."""

_EXAMPLES = """\
examples:
  python -m local
  python -m local --source simulator --data none
  python -m local --source simulator --data none --alerts every-tick
  python -m local --source replay --file days.csv --symbols AAPL --speed max
  python -m local --collector lambda --symbols tracked
  python -m local --history AAPL.csv minutes/ --source none

commands for a running system (python -m local COMMAND --help shows their options):
  env         print shell variables with which the aws command, boto3 and a producer reach
              its AWS: eval "$(.venv/bin/python -m local env)"
  redrive     process dead-lettered batches and messages again
  rebuild     recompute the bars and state of symbols from their prices
  forget      delete the prices, bars, alerts and state of symbols
  sql         query the archive with Athena's SQL
  test-alert  send a test message to the alerts topic
  channels    list, add, change, test or delete the channels that get alerts
  mutes       list, add or remove mutes
  rules       plan, apply or export a file of rules, or try a condition
  token       list, add or revoke API keys
  compact     compact finished days of the raw archive into Parquet now

exit status: 0 stopped normally, 1 a part did not start or failed,
2 invalid flag, file, port or name.
"""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """A checked command line. A port of 0 takes any free port; without `data` nothing is stored.

    `history` lists files to send before the source starts; `reading` has the producer's flags for
    them. `alerts` says whether a replay's alerts are sent; `crosses` is the setting ALERTS.
    """

    source: str
    symbols: tuple[str, ...]
    file: Path | None
    speed: str | None
    alerts: bool = True
    crosses: str = BARS
    interval: str | None
    ticks_per_record: str | None
    flush_seconds: str | None
    ingest: str
    api_port: int
    page_port: int
    aws_port: int
    data: Path | None
    allow_hosts: tuple[str, ...] = ()
    seconds: float | None
    page: bool
    push: bool = True
    verbose: bool = False
    history: tuple[Path, ...] = ()
    reading: tuple[str, ...] = ()
    collector: str = "process"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message.removeprefix("argument "))


def parse(arguments: list[str]) -> Options:
    """Return the checked options of a command line. Raises UsageError with a text of one line."""
    given = _parser().parse_args(arguments)
    options = Options(
        source=given.source,
        symbols=_symbols(given.symbols),
        file=given.file,
        speed=_producers(producer_arguments.speed, given.speed, "--speed"),
        alerts=given.alerts is not False,
        crosses=given.alerts if given.alerts in (BARS, EVERY_TICK) else BARS,
        interval=_producers(producer_arguments.interval_seconds, given.interval, "--interval"),
        ticks_per_record=_producers(
            producer_arguments.ticks_per_record, given.ticks_per_record, "--ticks-per-record"
        ),
        flush_seconds=_producers(
            producer_arguments.flush_seconds, given.flush_seconds, "--flush-seconds"
        ),
        ingest=given.ingest,
        api_port=given.api_port,
        page_port=given.page_port,
        aws_port=given.aws_port,
        data=None if given.data == "none" else Path(given.data),
        allow_hosts=tuple(given.allow_host),
        seconds=given.seconds,
        page=not given.no_page,
        push=not given.no_push,
        verbose=given.verbose,
        history=tuple(given.history or ()),
        reading=own_files.flags(given),
        collector=given.collector,
    )
    _check_source(options)
    if options.collector == "lambda" and options.source not in COLLECTED:
        raise UsageError(f"--collector lambda: only with --source {', '.join(COLLECTED)}")
    if options.source != "replay" and isinstance(given.alerts, bool):
        raise UsageError(
            f"--alerts, --no-alerts: only with --source replay; others allow --alerts {EVERY_TICK}"
        )
    own_files.check(options.history, options.source, options.symbols, options.reading)
    _check_ports(options)
    return options


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m local",
        description="Runs the whole system on this machine: embedded AWS, ingest, detection, "
        "API, page and producer.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_source(parser)
    _add_system(parser)
    return parser


def _add_source(parser: _Parser) -> None:
    parser.add_argument(
        "--source", choices=SOURCES, default="auto", help="where prices come from (default auto)"
    )
    parser.add_argument(
        "--collector",
        choices=("process", "lambda"),
        default="process",
        help="what collects prices: a continuous producer, or a deployment's Lambda function, "
        "started each minute (default process)",
    )
    parser.add_argument(
        "--symbols", metavar="A,B|tracked", help="default: the source's own and tracked ones"
    )
    parser.add_argument("--file", type=Path, metavar="PATH", help="the recording to replay")
    parser.add_argument("--speed", metavar="N|max", help="speed of the replay (default max)")
    parser.add_argument(
        "--alerts",
        nargs="?",
        const=True,
        default=None,
        choices=(BARS, EVERY_TICK),
        help="which crosses of averages are sent to this terminal and to subscribers: bars (the "
        "default) sends those on 5-minute bars, at most one per symbol and hour, and the daily "
        "50/200 cross; every-tick sends each one on ticks",
    )
    parser.add_argument(
        "--no-alerts",
        dest="alerts",
        action="store_false",
        help="record the replay's alerts without sending them",
    )
    own_files.add_to(parser)
    parser.add_argument("--interval", metavar="SECONDS", help="seconds between polls of the source")
    parser.add_argument("--ticks-per-record", metavar="N", help="most ticks of a symbol per record")
    parser.add_argument(
        "--flush-seconds", metavar="SECONDS", help="longest wait of a tick for others to join it"
    )


def _add_system(parser: _Parser) -> None:
    parser.add_argument(
        "--ingest", choices=("kinesis", "sqs"), default="kinesis", help="default kinesis"
    )
    parser.add_argument("--api-port", type=_port, default=8000, metavar="PORT", help="default 8000")
    parser.add_argument(
        "--page-port", type=_port, default=8080, metavar="PORT", help="default 8080"
    )
    parser.add_argument("--aws-port", type=_port, default=0, metavar="PORT", help="default any")
    parser.add_argument(
        "--data", default="./data", metavar="DIR|none", help="folder to store in (default ./data)"
    )
    parser.add_argument(
        "--allow-host",
        type=_host,
        action="append",
        default=[],
        metavar="NAME",
        help="also answer requests for this host name, for use behind a proxy; repeatable",
    )
    parser.add_argument("--seconds", type=_seconds, metavar="N", help="stop after N seconds")
    parser.add_argument("--no-page", action="store_true", help="do not serve the page")
    parser.add_argument("--no-push", action="store_true", help="let the page poll for prices")
    parser.add_argument(
        "--verbose", action="store_true", help="show the full text and traceback of errors"
    )


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port; allowed: 0 to 65535")


def _host(text: str) -> str:
    if _HOST.fullmatch(text):
        return text.lower()
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a host name; allowed: a name such as ticks.example, without a port"
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration; allowed: seconds above 0")
    return seconds


def _symbols(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    if text == "tracked":
        return ("tracked",)
    try:
        return symbols_of(text.split(","), "--symbols")
    except producer_errors.UsageError as error:
        raise UsageError(str(error)) from error


def _producers(check: object, text: str | None, flag: str) -> str | None:
    """Check the text of a flag as the producer does, and return the text unchanged."""
    if text is None or not callable(check):
        return text
    try:
        check(text)
    except (argparse.ArgumentTypeError, ValueError, producer_errors.UsageError) as error:
        raise UsageError(f"{flag}: {error}") from error
    return text


def _check_source(options: Options) -> None:
    if options.source == "alpaca":
        _check_keys()
    if options.source != "replay":
        for flag, value in (("--file", options.file), ("--speed", options.speed)):
            if value is not None:
                raise UsageError(f"{flag}: only with --source replay")
        return
    if options.file is None:
        raise UsageError("--source replay: name a recording with --file PATH")
    from producer.sources.replay import check

    try:
        check(options.file, options.symbols, own_files.asked(options.symbols, options.reading))
    except producer_errors.UsageError as error:
        raise UsageError(str(error)) from error


def _check_keys() -> None:
    from producer.sources import alpaca

    try:
        alpaca.keys_of(os.environ)
    except producer_errors.UsageError as error:
        raise UsageError(str(error)) from error


def _check_ports(options: Options) -> None:
    ports = {"--api-port": options.api_port, "--aws-port": options.aws_port}
    if options.page:
        ports["--page-port"] = options.page_port
    taken: dict[int, str] = {}
    for flag, port in ports.items():
        if port and port in taken:
            raise UsageError(f"{flag} {port}: the same as {taken[port]}")
        taken[port] = flag
        if not is_free(port):
            raise UsageError(f"{flag} {port}: the port is in use; choose another, or 0 for any")
