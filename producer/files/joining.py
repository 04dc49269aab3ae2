"""Joins several recordings, so that bars of a session in two files make one day.

A folder may have thousands of files, one per symbol or per day. Only files that share symbols and
overlap in time are read together.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from producer.files.folding import Part
from producer.sources.recording import Recording
from producer.sources.sortable import check_sortable

_MOST_OPEN = 200


class Readable(Recording, Protocol):
    """The interface of a recording in a user's own file."""

    @property
    def name(self) -> str:
        """Return the file's name."""

    @property
    def found(self) -> Sequence[str]:
        """Return the symbols that `check` found."""

    @property
    def span(self) -> tuple[str, str] | None:
        """Return the first and the last start of the bars to fold; None without such bars. Known
        after `check`."""

    def parts(self, *, by_time: bool = False) -> Iterator[Part]:
        """Yield the ticks and bars, each symbol's in time order.

        With `by_time` they are in time order across symbols too. Without `by_time` history has that
        order only if the file itself does.
        """


def in_time(recordings: Sequence[Readable]) -> Iterator[Part]:
    """Merge recordings in time order. Ticks of the same instant keep the order of the files. Raises
    UsageError if the recordings have too many rows to sort."""
    if len(recordings) == 1:
        return recordings[0].parts()
    each = [one.parts(by_time=True) for one in recordings]
    if len(each) <= _MOST_OPEN:
        return heapq.merge(*each, key=_timestamp)
    check_sortable(f"{len(each)} files", sum(one.total or 0 for one in recordings))
    return iter(sorted((part for parts in each for part in parts), key=_timestamp))


def in_series(recordings: Sequence[Readable]) -> Iterator[Iterator[Part]]:
    """Yield the parts of each group of recordings that share symbols. Each symbol's bars are in
    time order. Recordings without bars to fold form groups of their own."""
    for group in _sharing_symbols(recordings):
        yield (part for run in _overlapping(group) for part in in_time(run))


class _Group(msgspec.Struct):
    places: list[int]
    symbols: set[str]


def _sharing_symbols(recordings: Sequence[Readable]) -> Iterator[list[Readable]]:
    """Group the recordings that share symbols, directly or through other recordings. The groups are
    in the order of their first recordings."""
    group_of: dict[str, _Group] = {}
    alone = []
    for place, one in enumerate(recordings):
        if one.span is None:
            alone.append(_Group([place], set()))
            continue
        group = _Group([place], set(one.found))
        for known in _distinct(group_of[symbol] for symbol in one.found if symbol in group_of):
            group.places += known.places
            group.symbols |= known.symbols
        group_of |= dict.fromkeys(group.symbols, group)
    groups = [*alone, *_distinct(group_of.values())]
    for group in sorted(groups, key=lambda group: min(group.places)):
        yield [recordings[place] for place in sorted(group.places)]


def _distinct(groups: Iterable[_Group]) -> list[_Group]:
    return list({id(group): group for group in groups}.values())


def _overlapping(recordings: Sequence[Readable]) -> Iterator[list[Readable]]:
    """Yield groups of recordings whose times overlap. The groups are in time order."""
    run: list[int] = []
    until = ""
    spans = [one.span or ("", "") for one in recordings]
    for place in sorted(range(len(spans)), key=spans.__getitem__):
        if run and spans[place][0] > until:
            yield [recordings[at] for at in sorted(run)]
            run = []
        run.append(place)
        until = max(until, spans[place][1])
    yield [recordings[at] for at in sorted(run)]


def _timestamp(part: Part) -> str:
    return part[0].timestamp
