"""Flags of `python -m local channels` for limits, digests and quiet hours."""

from __future__ import annotations

import argparse
from typing import Any

from chalicelib.domain.channels import StoredChannel
from chalicelib.domain.holding_settings import AT_ONCE, DailyAt

NONE = "none"


def add_holding_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags --limit, --digest and --quiet."""
    parser.add_argument(
        "--limit", help="most messages in minutes: 5/10 sends at most 5 in 10 minutes; or none"
    )
    parser.add_argument(
        "--digest",
        help="as_it_happens, every_15_minutes, at_close, until_open, or a time such as"
        " 08:00@Europe/Berlin",
    )
    parser.add_argument(
        "--quiet",
        action="append",
        metavar="HOURS",
        help='quiet hours, such as "mon,tue 22:00-07:00 Europe/Berlin"; repeatable, or none',
    )


def given_holding(options: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a channel that the flags set. ChannelBook checks the values."""
    given: dict[str, Any] = {}
    if options.limit is not None:
        given["limit"] = _limit(options.limit)
    if options.digest is not None:
        daily_at, at_sign, zone = options.digest.partition("@")
        daily = {"daily_at": daily_at, "time_zone": zone}
        given["digest"] = daily if at_sign else options.digest
    if options.quiet is not None:
        given["quiet_hours"] = None if options.quiet == [NONE] else list(map(_hours, options.quiet))
    return given


def described_holding(channel: StoredChannel) -> list[str]:
    """Return a channel's limit, digest and quiet hours in the notation of the flags."""
    said = []
    if channel.limit:
        said.append(f"limit {channel.limit.messages}/{channel.limit.minutes}")
    if isinstance(channel.digest, DailyAt):
        said.append(f"digest {channel.digest.daily_at}@{channel.digest.time_zone}")
    elif channel.digest != AT_ONCE:
        said.append(f"digest {channel.digest}")
    said += [
        f"quiet {','.join(each.days)} {each.start}-{each.end} {each.time_zone}"
        for each in channel.quiet_hours
    ]
    return said


def _limit(text: str) -> Any:
    if text == NONE:
        return None
    messages, _, minutes = text.partition("/")
    if not (messages.isdecimal() and minutes.isdecimal()):
        return text  # refused with the allowed values
    return {"messages": int(messages), "minutes": int(minutes)}


def _hours(text: str) -> Any:
    parts = text.split()
    if len(parts) != 3 or "-" not in parts[1]:
        return text
    start, _, end = parts[1].partition("-")
    return {"days": parts[0].split(","), "start": start, "end": end, "time_zone": parts[2]}
