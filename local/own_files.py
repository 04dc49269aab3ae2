"""The flags for users' own files: `--history`, and how to read files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from commands.outcomes import UsageError
from producer import arguments as producer_arguments
from producer import errors as producer_errors
from producer.files.asked import Asked

_LABELS = {
    "auto": "yfinance",
    "yfinance": "yfinance",
    "yfinance-live": "yfinance",
    "coinbase": "coinbase",
    "binance": "binance",
    "alpaca": "alpaca",
}
"""For each value of `--source`, the source under which its prices are stored."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add `--history` and the flags for reading files."""
    group = parser.add_argument_group("own files")
    group.add_argument(
        "--history",
        nargs="+",
        action="extend",
        type=Path,
        metavar="PATH",
        help="files or folders to store as history before the source starts",
    )
    producer_arguments.reading(group)
    group.add_argument(
        "--bar",
        choices=producer_arguments.BARS,
        help="length of a file's bars (default: detected)",
    )


def flags(given: argparse.Namespace) -> tuple[str, ...]:
    """Return the options for reading files as flags of the producer."""
    texts = {"--as": given.rows_as, "--bar": given.bar, "--timezone": given.timezone}
    label = given.as_source
    texts["--as-source"] = label and label.text
    named = [part for flag, text in texts.items() if text for part in (flag, text)]
    return (*named, *(["--day-first"] if given.day_first else []))


def history_command(
    paths: Sequence[Path], source: str, symbols: Sequence[str], reading: Sequence[str]
) -> list[str]:
    """Return the producer's arguments `backfill --file ...`.

    The history of followed symbols is stored under the source that continues it, since a series
    never mixes sources. `--as-source` names another source.
    """
    command = ["backfill", "--file", *map(as_argument, paths), *reading]
    lone = _lone(paths, symbols)
    if lone:
        command += ["--symbols", *lone]
    label = _LABELS.get(source)
    if label and "--as-source" not in reading:
        followed = ",".join(_followed(symbols))
        command += ["--as-source", f"{label}={followed}" if followed else label]
    return command


def as_argument(path: Path | None) -> str:
    """Return a path as an argument that does not look like a flag."""
    return f"./{path}" if str(path).startswith("-") else str(path)


def check(
    paths: Sequence[Path], source: str, symbols: Sequence[str], reading: Sequence[str]
) -> None:
    """Check the files of `--history`. Raises UsageError if they cannot be stored as history."""
    if not paths:
        return
    from producer.files.opening import open_files

    try:
        recording = open_files(paths, asked(_lone(paths, symbols), reading, history=True))
        recording.check()
    except producer_errors.UsageError as error:
        raise UsageError(f"--history: {error}") from error
    if source == "simulator" and "--as-source" not in reading:
        _refuse_mixture(recording.found, symbols)


def asked(symbols: Sequence[str], reading: Sequence[str], *, history: bool = False) -> Asked:
    """Return the flags for reading files in the producer's parsed form."""
    from producer.building import asked_of

    command = ["backfill"] if history else ["replay", "-"]
    given = producer_arguments.parse([*command, *reading])
    given.symbols = ",".join(symbols)
    return asked_of(given)


def _refuse_mixture(found: Sequence[str], symbols: Sequence[str]) -> None:
    from producer.sources import simulator

    followed = set(symbols or simulator.SYMBOLS)
    mixed = [symbol for symbol in found if symbol in followed]
    if mixed:
        raise UsageError(
            f"--history: the simulator would continue {', '.join(mixed[:5])} with its own prices; "
            "follow other symbols, or add --as-source simulator"
        )


def _lone(paths: Sequence[Path], symbols: Sequence[str]) -> Sequence[str]:
    """Return the followed symbol if there is just one, and just one file, whose name has no symbol.
    Otherwise return an empty sequence."""
    from producer.files.opening import names_no_symbol

    is_one = len(symbols) == 1 and symbols[0] != "tracked"
    return symbols if is_one and len(paths) == 1 and names_no_symbol(paths[0]) else ()


def _followed(symbols: Sequence[str]) -> Sequence[str]:
    """Return the followed symbols; nothing for `tracked`, which may be any symbols."""
    return () if tuple(symbols) == ("tracked",) else symbols
