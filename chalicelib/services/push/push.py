"""Publish the changes of a batch of states, in one event for each channel."""

from __future__ import annotations

import base64
import logging
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from chalicelib.domain.detection import State
from chalicelib.domain.push_channels import channel_of
from chalicelib.services.market_data.answers import Quote
from chalicelib.services.push.changes import Change, changes_of

MOST_EVENT_BYTES = 200_000
"""The most bytes of an event before compression. AppSync Events accepts 240 KB after
compression."""

MOST_EVENTS = 5
"""The most events in a request. This is the limit of AppSync Events."""

log = logging.getLogger("ticktape.push")

_encoder = msgspec.json.Encoder(decimal_format="number")


class PublishError(Exception):
    """The push service refused a request or did not answer. The message says which of the two."""


Publish = Callable[[str, Sequence[str]], None]
"""A function that sends at most MOST_EVENTS events, each in JSON, to the subscribers of a channel.
Raises PublishError."""


class Pushed(msgspec.Struct, frozen=True):
    """How many symbols of a batch were published, and how many failed."""

    symbols: int = 0
    failed: int = 0


class Push:
    """The service that processes the state table's stream. A failed request is logged and counted,
    but not repeated. The page notices the gap and asks the API. The next batch has newer prices
    anyway."""

    def __init__(self, quote_of: Callable[[State], Quote], publish: Publish, channels: int) -> None:
        self._quote_of = quote_of
        self._publish = publish
        self._channels = channels

    def __call__(self, states: Iterable[State]) -> Pushed:
        """Publish the changes of these states. The states of a symbol must be in the order of their
        versions."""
        by_channel: dict[str, list[Change]] = {}
        for change in changes_of(states, self._quote_of):
            by_channel.setdefault(channel_of(change.symbol, self._channels), []).append(change)
        pushed = failed = 0
        for channel, changes in by_channel.items():
            for request in requests_of(changes):
                count = sum(symbols for _, symbols in request)
                if self._is_published(channel, [event for event, _ in request]):
                    pushed += count
                else:
                    failed += count
        return Pushed(pushed, failed)

    def _is_published(self, channel: str, events: Sequence[str]) -> bool:
        try:
            self._publish(channel, events)
        except PublishError as error:
            log.warning("nothing is pushed to %s: %s", channel, error)
            return False
        return True


def requests_of(changes: Sequence[Change]) -> Iterator[list[tuple[str, int]]]:
    """Yield the events of each request, each event with its number of symbols.

    Before compression, an event has at most MOST_EVENT_BYTES, unless it has a single symbol.
    """
    events = list(_events(changes))
    for at in range(0, len(events), MOST_EVENTS):
        yield events[at : at + MOST_EVENTS]


def _events(changes: Sequence[Change]) -> Iterator[tuple[str, int]]:
    parts: list[str] = []
    size = 0
    for change in changes:
        part = _encoder.encode(change).decode()
        if parts and size + len(part) > MOST_EVENT_BYTES:
            yield _event(parts)
            parts, size = [], 0
        parts.append(part)
        size += len(part) + 1
    if parts:
        yield _event(parts)


def _event(parts: Sequence[str]) -> tuple[str, int]:
    """Return an event and its number of symbols. The event is a JSON string: `{"changes": [...]}`,
    compressed by zlib and encoded in base64.

    AppSync Events charges for each started 5 KB, which is room for 25 symbols.
    """
    packed = zlib.compress(f'{{"changes":[{",".join(parts)}]}}'.encode())
    return f'"{base64.b64encode(packed).decode()}"', len(parts)
