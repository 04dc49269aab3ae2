"""`python -m local forget AAPL`: deletes the data of named symbols in the running system.

The module `forget_many` chooses symbols by criteria instead.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from commands import values
from commands.forget_many import add_choice, chooses, forget_many
from commands.outcomes import FAILED, OK, counted
from commands.target import add_flags, find_running
from producer.reasons import reason

_ANSWER_SECONDS = 60


def forget(arguments: list[str]) -> int:
    """Delete prices, bars, alerts and state of symbols. Exit status 1 if a symbol failed."""
    parser = argparse.ArgumentParser(
        prog="python -m local forget",
        description="Deletes the prices, bars, alerts and state of symbols and removes them from "
        "the list, so that their series can start again, also from another source. Rules and the "
        "archive are kept. First stop the producers of these symbols.",
    )
    parser.add_argument("symbols", nargs="*", metavar="SYMBOL")
    add_choice(parser)
    add_flags(parser)
    options = parser.parse_args(arguments)
    if chooses(options):
        return forget_many(options)
    symbols = values.symbols(options.symbols)
    facts = find_running(options)
    return max(_one(facts, symbol) for symbol in symbols)


def _one(facts: Mapping[str, Any], symbol: str) -> int:
    """Call the API until all data of the symbol is deleted. Return the exit status."""
    deleted = dict.fromkeys(("prices", "bars", "alerts"), 0)
    complete = False
    while not complete:
        try:
            answer = _delete(facts, symbol)
        except urllib.error.HTTPError as error:
            print(f"python -m local forget: {json.load(error)['detail']}", file=sys.stderr)
            return FAILED
        except OSError as error:
            why = reason(getattr(error, "reason", error))
            print(f"{symbol}: {facts['api']} does not answer: {why}", file=sys.stderr)
            return FAILED
        deleted = {kind: count + answer[kind] for kind, count in deleted.items()}
        complete = answer["complete"]
    if not any(deleted.values()):
        print(f"{symbol}: nothing was stored")
        return OK
    print(
        f"{symbol}: deleted {counted(deleted['prices'], 'price')}, "
        f"{counted(deleted['bars'], 'bar')} and "
        f"{counted(deleted['alerts'], 'alert')}; the archive keeps its records"
    )
    return OK


def _delete(facts: Mapping[str, Any], symbol: str) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - the running system's own address
        f"{facts['api']}/symbols/{quote(symbol, safe='')}?data=true",
        method="DELETE",
        headers={"Authorization": f"Bearer {facts['token']}"},
    )
    with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as response:  # noqa: S310  # nosec B310
        answer: dict[str, Any] = json.load(response)
    return answer
