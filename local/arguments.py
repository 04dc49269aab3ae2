"""The command line of `python -m local`, checked before anything starts."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import NoReturn

import msgspec

from chalicelib.settings import BARS, EVERY_TICK
from local import own_files
from local.errors import UsageError
from local.http_server import is_free
from producer import arguments as producer_arguments
from producer import errors as producer_errors
from producer.wire import symbols_of

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]", re.ASCII)

SOURCES = (*producer_arguments.SOURCES, "replay", "none")
COLLECTED = ("auto", "yfinance", "simulator")
"""Sources of the collector's function: those that are polled without a connection."""

_EXAMPLES = """\
examples:
  python -m local
  python -m local --source simulator --data none
  python -m local --source simulator --data none --alerts every-tick
  python -m local --source replay --file days.csv --symbols AAPL --speed max
  python -m local --collector lambda --symbols tracked
  python -m local --history AAPL.csv minutes/ --source none

commands for a system that runs (each has --help):
  python -m local env           print the settings by which the aws command, boto3 and a
                                producer reach its AWS: eval "$(.venv/bin/python -m local env)"
  python -m local redrive       process dead-lettered batches and messages again
  python -m local rebuild A B   compute bars and state of symbols again from their prices
  python -m local forget A B    delete the prices, bars, alerts and state of symbols
  python -m local sql "SELECT"  run a statement of Athena's SQL on the archive
  python -m local test-alert    send a test message to the alerts topic
  python -m local channels list where alerts are sent; add, change, test and delete change it
  python -m local mutes    list what is muted; add and remove change it
  python -m local rules plan    what a file of rules would change; apply and export change
                                and print it
  python -m local token list    keys of the API; add and revoke make and end them
  python -m local compact       finished days of the raw archive into Parquet, now

exit status: 0 ended in order, 1 something did not start or died,
2 a flag, file, port or name that cannot be used.
"""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """A checked command line. Ports of 0 take any free one; `data` None stores nothing.

    `history` are files sent before the source; `reading` are the producer's flags for reading
    files. `alerts`: whether a replay's alerts are sent; `crosses`: the setting ALERTS.
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
    """Read and check a command line. Raises UsageError with one line."""
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
            f"--alerts, --no-alerts: only with --source replay; others take --alerts {EVERY_TICK}"
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
    """Add what is collected, and how."""
    parser.add_argument("--source", choices=SOURCES, default="auto")
    parser.add_argument(
        "--collector",
        choices=("process", "lambda"),
        default="process",
        help="what collects prices: a continuous producer, or the function of a deployment, "
        "started each minute (default process)",
    )
    parser.add_argument("--symbols", metavar="A,B", help="default: 25 of the source's own")
    parser.add_argument("--file", type=Path, metavar="PATH", help="the recording to replay")
    parser.add_argument("--speed", metavar="N|max", help="of the replay")
    parser.add_argument(
        "--alerts",
        nargs="?",
        const=True,
        default=None,
        choices=(BARS, EVERY_TICK),
        help="which crosses are sent, to this terminal and to who subscribed here: those on "
        "5-minute bars, at most one a symbol and hour, and the daily 50/200 cross (bars, the "
        "default), or each one on ticks",
    )
    parser.add_argument(
        "--no-alerts",
        dest="alerts",
        action="store_false",
        help="record the alerts of the replay and send none",
    )
    own_files.add_to(parser)
    parser.add_argument("--interval", metavar="SECONDS", help="between two polls of the source")
    parser.add_argument(
        "--ticks-per-record", metavar="N", help="ticks of a symbol that may share a record"
    )
    parser.add_argument(
        "--flush-seconds", metavar="SECONDS", help="that a tick waits at most for others"
    )


def _add_system(parser: _Parser) -> None:
    """Add where the system listens, what it keeps and says, and when it ends."""
    parser.add_argument("--ingest", choices=("kinesis", "sqs"), default="kinesis")
    parser.add_argument("--api-port", type=_port, default=8000, metavar="PORT")
    parser.add_argument("--page-port", type=_port, default=8080, metavar="PORT")
    parser.add_argument("--aws-port", type=_port, default=0, metavar="PORT")
    parser.add_argument(
        "--data", default="./data", metavar="DIR|none", help="what to keep, default ./data"
    )
    parser.add_argument(
        "--allow-host",
        type=_host,
        action="append",
        default=[],
        metavar="NAME",
        help="also serve API and page under this host name, for a proxy of yours; repeatable",
    )
    parser.add_argument("--seconds", type=_seconds, metavar="N", help="stop after this time")
    parser.add_argument("--no-page", action="store_true", help="serve the API alone")
    parser.add_argument("--no-push", action="store_true", help="let the page poll for prices")
    parser.add_argument(
        "--verbose", action="store_true", help="messages with the error's full text"
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
    """Return the text as given after checking it as the producer does."""
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
        raise UsageError("--source replay: which recording? Name it with --file PATH")
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
            raise UsageError(f"{flag} {port}: the port is in use; give another, or 0 for any")
