"""`python -m local mutes`: the mutes of the running system or of a deployment.

The command reads and writes the tables directly, with AWS credentials.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.mutes import Mutes
from chalicelib.adapters.state import States
from chalicelib.domain.errors import Conflict, MuteError, Unknown
from chalicelib.domain.mutes import MAX_DAYS, UNTIL_OPEN, Mute
from chalicelib.domain.quiet_hours import DAYS, QuietHours
from chalicelib.services.delivery.mute_book import MuteBook
from commands.outcomes import FAILED, OK, UsageError
from commands.target import add_target, clients

_WHOLE_DAY = "00:00-00:00"


def mutes(arguments: list[str]) -> int:
    """List, add or remove mutes. Exit status 1 for an unknown mute or a conflict."""
    options = _parser().parse_args(arguments)
    client, environment = clients(options)
    dynamodb = client("dynamodb")
    try:
        return int(options.act(_book(dynamodb, environment), options))
    except MuteError as error:
        raise UsageError(str(error)) from error
    except Unknown as error:
        print(f"there is no mute {error.name}; see `mutes list`", file=sys.stderr)
    except Conflict as error:
        print(error, file=sys.stderr)
    return FAILED


def kept(dynamodb: Any, environment: dict[str, str]) -> str | None:
    """Return a note on stored mutes, which someone else may have made; None if there are none."""
    found = len(_book(dynamodb, environment).listed().entries)
    if not found:
        return None
    which = "1 stored mute holds" if found == 1 else f"{found} stored mutes hold"
    return f"{which} alerts back: python -m local mutes list"


def _book(dynamodb: Any, environment: Mapping[str, str]) -> MuteBook:
    def clock() -> datetime:
        return datetime.now(UTC)

    return MuteBook(
        Mutes(dynamodb, environment["RULES_TABLE"], clock),
        lambda: States(dynamodb, environment["STATE_TABLE"]),
        clock,
    )


def _list(book: MuteBook, _: argparse.Namespace) -> int:
    mutes, unreadable = book.listed()
    for mute in mutes:
        print(_described(mute))
    for mute_id in unreadable:
        print(f"{mute_id}  cannot be read, and mutes nothing")
    if not mutes and not unreadable:
        print("there are no mutes")
    return OK


def _add(book: MuteBook, options: argparse.Namespace) -> int:
    given: dict[str, Any] = {
        "symbol": options.symbol,
        "rule_id": options.rule,
        "name": options.name,
        "until": options.until,
        "open_of": options.open_of,
    }
    if options.each:
        given["recurring"] = _recurring(options)
    print(_described(book.create(given)))
    return OK


def _remove(book: MuteBook, options: argparse.Namespace) -> int:
    book.remove(options.mute_id)
    print(f"{options.mute_id} is removed")
    return OK


def _recurring(options: argparse.Namespace) -> dict[str, object]:
    start, _, end = options.between.partition("-")
    days = options.each.split(",")
    return {"days": days, "start": start, "end": end, "time_zone": options.time_zone}


def _described(mute: Mute) -> str:
    when = _times(mute.recurring) if mute.recurring else f"until {mute.until}"
    return "  ".join(filter(None, (mute.mute_id, mute.what, when, mute.name)))


def _times(hours: QuietHours) -> str:
    return f"{','.join(hours.days)} {hours.start}-{hours.end} {hours.time_zone}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local mutes",
        description="Lists, adds and removes mutes. Alerts of a muted symbol or rule are held back"
        " and sent in a digest when the mute ends.",
    )
    commands = parser.add_subparsers(required=True, metavar="list|add|remove")
    add = commands.add_parser(
        "add", help="mute a symbol, a rule, or everything if neither is given"
    )
    what = add.add_mutually_exclusive_group()
    what.add_argument("--symbol", help="the alerts of this symbol")
    what.add_argument("--rule", metavar="ID", help="the alerts of this rule")
    when = add.add_mutually_exclusive_group(required=True)
    when.add_argument(
        "--until",
        help=f"an RFC 3339 date-time, at most {MAX_DAYS} days ahead, or {UNTIL_OPEN}",
    )
    when.add_argument("--each", metavar="DAYS", help=f"days of the week: {','.join(DAYS)}")
    add.add_argument(
        "--open-of", metavar="SYMBOL", help=f"symbol whose market opens, for {UNTIL_OPEN}"
    )
    add.add_argument(
        "--between",
        metavar="HH:MM-HH:MM",
        default=_WHOLE_DAY,
        help="hours for --each (default: the whole day)",
    )
    add.add_argument(
        *("--timezone", "--time-zone"),
        dest="time_zone",
        default="UTC",
        help="time zone for --each (default UTC)",
    )
    add.add_argument("--name", help="name to show")
    remove = commands.add_parser("remove", help="end a mute")
    remove.add_argument("mute_id", help="id as shown by `list`")
    acts = {add: _add, commands.add_parser("list", help="list all mutes"): _list, remove: _remove}
    for command, act in acts.items():
        command.set_defaults(act=act)
        add_target(command)
    return parser
