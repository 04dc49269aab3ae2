"""`python -m local channels`: the channels that get alerts of the running system or a deployment.

The command reads and writes the tables directly, with AWS credentials. It reads addresses and
secrets from the terminal or stdin: other users see command lines, and the shell keeps them.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib.adapters.alerts import Alerts
from chalicelib.adapters.channels import Channels
from chalicelib.adapters.sealing import Sealing
from chalicelib.domain.channel_secrets import SERVICES
from chalicelib.domain.channels import StoredChannel
from chalicelib.domain.errors import ChannelError, Conflict, Unknown
from chalicelib.domain.holding_settings import NOTHING_HELD
from chalicelib.services.delivery.channel_book import ChannelBook
from chalicelib.services.delivery.testing import trial
from commands.holding_flags import add_holding_flags, described_holding, given_holding
from commands.outcomes import FAILED, OK, UsageError
from commands.target import add_target, clients


class Reached(msgspec.Struct, frozen=True):
    """The channels and the alerts of the chosen system or deployment."""

    book: ChannelBook
    alerts: Alerts


def channels(arguments: list[str]) -> int:
    """List, add, change, test or delete channels. Exit status 1 if it cannot be done."""
    options = _parser().parse_args(arguments)
    reached = _reached(options)
    try:
        return int(options.act(reached, options))
    except ChannelError as error:
        raise UsageError(str(error)) from error
    except Unknown as error:
        print(f"there is no channel {error.name}; see `channels list`", file=sys.stderr)
    except Conflict as error:
        print(error, file=sys.stderr)
    return FAILED


def kept(dynamodb: Any, environment: dict[str, str]) -> str | None:
    """Return a note on stored channels that get alerts; None if there are none."""
    stored = Channels(dynamodb, environment["RULES_TABLE"]).table().entries
    found = [channel for channel in stored if channel.enabled and channel.kind != "sns"]
    if not found:
        return None
    which = "1 stored channel gets" if len(found) == 1 else f"{len(found)} stored channels get"
    services = ", ".join(sorted(set(map(_service, found))))
    held = sum(channel.holding != NOTHING_HELD for channel in found)
    back = f", {held} of them with limits, digests or quiet hours" if held else ""
    return f"{which} alerts ({services}){back}: python -m local channels list"


def _service(channel: StoredChannel) -> str:
    """Return the service of a stored channel for printing; an unknown name is not printed."""
    if channel.kind == "webhook":
        return "webhook"
    return channel.service if channel.service in SERVICES.values() else "another service"


def _list(reached: Reached, _: argparse.Namespace) -> int:
    channels, unreadable = reached.book.listed()
    for channel in channels:
        print(_described(channel))
    for channel_id in unreadable:
        print(f"{channel_id}  cannot be read, and gets no alerts")
    return OK


def _add(reached: Reached, options: argparse.Namespace) -> int:
    address = _asked("Address: ")
    given: dict[str, Any] = {"name": options.name, "default": options.default, "address": address}
    given |= given_holding(options)
    given["kind"] = "webhook" if address.startswith(("https:", "http:")) else "apprise"
    if given["kind"] == "webhook":
        given["secret"] = _asked("Secret that signs its messages: ")
    if options.no_picture:
        given["picture"] = False
    print(_described(reached.book.create(given)))
    return OK


def _change(reached: Reached, options: argparse.Namespace) -> int:
    before = reached.book.find(options.channel_id)
    given = {"name": before.name, "enabled": before.enabled, **given_holding(options)}
    print(_described(reached.book.replace(options.channel_id, given)))
    return OK


def _test(reached: Reached, options: argparse.Namespace) -> int:
    alert = trial(reached.book.find(options.channel_id), datetime.now(UTC))
    reached.alerts.record_all([alert], "UTC")
    print(f"recorded the test alert {alert.alert_id}; GET /alerts/{alert.alert_id} shows it")
    return OK


def _delete(reached: Reached, options: argparse.Namespace) -> int:
    reached.book.remove(options.channel_id)
    print(f"{options.channel_id} is deleted")
    return OK


def _asked(prompt: str) -> str:
    """Read a line from the terminal without echo, or from standard input."""
    text = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline()
    return text.strip()


def _described(channel: StoredChannel) -> str:
    told = (
        channel.channel_id,
        channel.name,
        channel.service,
        "default" if channel.default else "",
        "" if channel.enabled else "SWITCHED OFF",
        *described_holding(channel),
    )
    return "  ".join(filter(None, told))


def _reached(options: argparse.Namespace) -> Reached:
    client, environment = clients(options)
    sealing = Sealing(
        client("kms"), environment.get("CHANNELS_KEY", ""), environment.get("STAGE", "dev")
    )
    dynamodb = client("dynamodb")
    store = Channels(dynamodb, environment["RULES_TABLE"])
    book = ChannelBook(store, sealing.seal, lambda: datetime.now(UTC))
    return Reached(book, Alerts(dynamodb, environment["ALERTS_TABLE"]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local channels",
        description="Lists, adds, changes, tests and deletes the channels that alerts are sent"
        " to. Addresses and secrets are encrypted and never shown again.",
    )
    commands = parser.add_subparsers(required=True, metavar="list|add|change|test|delete")
    add = commands.add_parser(
        "add",
        help="add a channel; its address is prompted for, or read from standard input",
        description="Adds a channel. Its address is prompted for, or read from standard input.",
    )
    add.add_argument("--name", required=True, help="name to show")
    add.add_argument(
        "--default", action="store_true", help="also send alerts of rules that name no channels"
    )
    add.add_argument(
        "--no-picture", action="store_true", help="send messages without a picture of the chart"
    )
    change = commands.add_parser("change", help="change a channel's limit, digest and quiet hours")
    for command in (add, change):
        add_holding_flags(command)
    test = commands.add_parser("test", help="send a test alert to one channel")
    delete = commands.add_parser("delete", help="delete a channel")
    for command in (change, test, delete):
        command.add_argument("channel_id", help="id as shown by `list`")
    acts = {add: _add, commands.add_parser("list", help="list all channels"): _list}
    for command, act in {**acts, change: _change, test: _test, delete: _delete}.items():
        command.set_defaults(act=act)
        add_target(command)
    return parser
