"""`python -m local forget --seen-from TIME`: deletes the stored data of many symbols at once."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import Contended
from chalicelib.services.symbol_stores import SymbolEntry
from chalicelib.services.symbols.forgetting_many import Choice, chosen
from commands import target, values
from commands.outcomes import FAILED, OK, UsageError, counted

PARALLEL_SYMBOLS = 8


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Add the flags that choose symbols by criteria."""
    group = parser.add_argument_group(
        "many at once", "choose among seen symbols that are not tracked; only lists without --yes"
    )
    group.add_argument("--seen-from", metavar="TIME", help="first seen at this time or later")
    group.add_argument("--seen-to", metavar="TIME", help="first seen before this time")
    group.add_argument(
        "--fewer-than", metavar="N", type=int, help="with fewer than N stored prices and bars"
    )
    group.add_argument("--yes", action="store_true", help="delete the chosen symbols")
    group.add_argument(
        "--stage", help="use this deployment, with your AWS credentials, not the running system"
    )


def chooses(options: argparse.Namespace) -> bool:
    """Return whether symbols are chosen by criteria. Raises UsageError for conflicting options."""
    given = (options.seen_from, options.seen_to, options.fewer_than)
    is_choice = any(one is not None for one in given)
    if is_choice and options.symbols:
        raise UsageError(
            "either name symbols or choose them by --seen-from, --seen-to and --fewer-than"
        )
    if not is_choice and not options.symbols:
        raise UsageError("name symbols, or choose by --seen-from, --seen-to or --fewer-than")
    if not is_choice and (options.yes or options.stage):
        raise UsageError("--yes and --stage need --seen-from, --seen-to or --fewer-than")
    if options.fewer_than is not None and options.fewer_than < 1:
        raise UsageError(f"--fewer-than: {options.fewer_than} is not allowed; allowed: 1 and more")
    return is_choice


def forget_many(options: argparse.Namespace) -> int:
    """List the chosen symbols; delete their data with --yes. Exit status 1 if a symbol failed."""
    since = values.instant("--seen-from", options.seen_from)
    until = values.instant("--seen-to", options.seen_to)
    services = target.services(options)
    lines = chosen(services.stores, Choice(since, until, options.fewer_than))
    return _delete(services, lines) if options.yes else _list(lines)


def _list(lines: Sequence[SymbolEntry]) -> int:
    for line in lines:
        print(f"{line.symbol}, first seen {line.added_at}")
    again = "; nothing was deleted: add --yes to delete them" if lines else ""
    matches = "matches" if len(lines) == 1 else "match"
    print(f"{counted(len(lines), 'symbol')} {matches}{again}")
    return OK


def _delete(services: Services, lines: Sequence[SymbolEntry]) -> int:
    """Delete the data of several symbols at a time; a failure does not stop the others."""

    def one(line: SymbolEntry) -> bool:
        try:
            services.forget(line.symbol, math.inf)
        except Contended as error:
            print(error, file=sys.stderr)
            return False
        return True

    with ThreadPoolExecutor(PARALLEL_SYMBOLS) as pool:
        done = sum(pool.map(one, lines))
    print(f"{done:,} of {counted(len(lines), 'symbol')} deleted; the archive keeps all records")
    return OK if done == len(lines) else FAILED
