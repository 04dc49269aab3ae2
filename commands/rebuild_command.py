"""`python -m local rebuild AAPL`: recomputes bars and state in the running system or a stage."""

from __future__ import annotations

import argparse
import sys

from chalicelib.api import instants
from chalicelib.bootstrap import Services
from chalicelib.domain.errors import Contended
from commands import target, values
from commands.outcomes import FAILED, OK, counted


def rebuild(arguments: list[str]) -> int:
    """Recompute bars and state of symbols from their prices. Exit status 1 if a symbol failed."""
    parser = argparse.ArgumentParser(
        prog="python -m local rebuild",
        description="Recomputes the bars and state of symbols from their stored prices. No alert "
        "is recorded or sent.",
    )
    parser.add_argument("symbols", nargs="+", metavar="SYMBOL")
    parser.add_argument(
        "--from",
        dest="start",
        metavar="TIME",
        help=f"keep earlier bars as they are; {instants.ALLOWED}; a date is midnight in UTC",
    )
    target.add_target(parser)
    options = parser.parse_args(arguments)
    symbols, start = values.symbols(options.symbols), values.instant("--from", options.start)
    services = target.services(options)
    return max(_one(services, symbol, start) for symbol in symbols)


def _one(services: Services, symbol: str, start: str | None) -> int:
    try:
        done = services.rebuild(symbol, start)
    except Contended as error:
        print(f"{symbol}: {error}", file=sys.stderr)
        return FAILED
    if not done.ticks:
        print(f"{symbol}: no ticks are stored, so there is nothing to rebuild", file=sys.stderr)
        return FAILED
    print(f"{symbol}: rebuilt from {counted(done.ticks, 'tick')}; bars changed: {done.bars}")
    return OK
