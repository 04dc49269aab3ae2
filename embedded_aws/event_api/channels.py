"""Parses names of channels, and decides which channels a subscription covers.

https://docs.aws.amazon.com/appsync/latest/eventapi/channel-namespaces.html
"""

from __future__ import annotations

import re

MOST_SEGMENTS = 5

_SEGMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?", re.ASCII)


def segments_of(channel: object, *, wildcard: bool = False) -> tuple[str, ...]:
    """Return the segments of a channel's name, or an empty tuple if the name is invalid.

    The slashes at both ends are optional. `wildcard` allows `*` as the last of several segments.
    """
    if not isinstance(channel, str):
        return ()
    segments = tuple(channel.strip("/").split("/"))
    plain = segments[:-1] if wildcard and len(segments) > 1 and segments[-1] == "*" else segments
    is_valid = len(segments) <= MOST_SEGMENTS and all(map(_SEGMENT.fullmatch, plain))
    return segments if is_valid else ()


def covers(pattern: tuple[str, ...], channel: tuple[str, ...]) -> bool:
    """Return whether a subscription to `pattern` receives the events of `channel`."""
    if pattern[-1:] == ("*",):
        return channel[: len(pattern) - 1] == pattern[:-1] and len(channel) >= len(pattern)
    return pattern == channel
