"""The mutes of a stage: listed, made, made by a signed link, and removed."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from chalicelib.domain.errors import TicktapeError
from chalicelib.domain.mute_links import parse_link
from chalicelib.domain.mutes import MAX_MUTES, Mute, next_open, parse_mute, still_needed
from chalicelib.services.delivery.rewriting import TableStore, rewrite
from chalicelib.services.stores import StateStore


class UnknownMute(TicktapeError):  # noqa: N818 - named as the problem that it becomes
    """No mute has this id, or it has ended. `args` is the id."""


class MuteRefused(TicktapeError):  # noqa: N818 - named as the problem that it becomes
    """A mute is well formed, and yet cannot be made. `args` says why."""


class MuteTable(msgspec.Struct, frozen=True):
    """The stored mutes; `version` counts the writes, 0 before the first one. `unreadable` are those
    that this version cannot read; writing keeps them."""

    version: int
    mutes: tuple[Mute, ...]
    unreadable: tuple[bytes, ...] = ()


MuteStore = TableStore[MuteTable, Mute]
"""Where mutes are kept."""


class MuteBook:
    """Reads and writes mutes. Those that have ended are not shown, and dropped with the next write.

    `states` tell the time zone of a symbol's exchange; `link_key` verifies signed links, and is
    empty if there are none.
    """

    def __init__(
        self,
        store: MuteStore,
        states: Callable[[], StateStore],
        clock: Callable[[], datetime],
        link_key: bytes = b"",
    ) -> None:
        self._store = store
        self._states = states
        self._clock = clock
        self._link_key = link_key

    def all(self) -> list[Mute]:
        """Return the mutes, the oldest first."""
        return still_needed(self._store.table().mutes, self._clock())

    def create(self, given: dict[str, Any]) -> Mute:
        """Store a new mute. Raises MuteError, MuteRefused, Contended."""
        now = self._clock()
        opening = partial(self._opening, now=now)
        return self._add(parse_mute(given, randomness.token_hex(6), now, opening))

    def follow(self, link: object) -> Mute:
        """Store the mute of a signed link; a repeated link finds the same one, and writes nothing.

        Raises MuteError, MuteRefused, Contended.
        """
        made = parse_link(link, self._link_key, self._clock())
        found = next((mute for mute in self.all() if mute.mute_id == made.mute_id), None)
        return found or self._add(made)

    def remove(self, mute_id: str) -> None:
        """Remove a mute. Raises UnknownMute, Contended."""

        def drop(table: MuteTable) -> list[Mute]:
            found = still_needed(table.mutes, self._clock())
            left = [mute for mute in found if mute.mute_id != mute_id]
            if len(left) == len(found):
                raise UnknownMute(mute_id)
            return left

        rewrite(self._store, drop, "mutes")

    def _add(self, made: Mute) -> Mute:
        def add(table: MuteTable) -> list[Mute]:
            found = still_needed(table.mutes, self._clock())
            others = [mute for mute in found if mute.mute_id != made.mute_id]
            if len(others) >= MAX_MUTES:
                raise MuteRefused(f"there are {MAX_MUTES} mutes, which is the most: remove one")
            return [*others, made]

        rewrite(self._store, add, "mutes")
        return made

    def _opening(self, symbol: str, now: datetime) -> datetime:
        state = self._states().get(symbol)
        last = state.last if state else None
        return next_open(symbol, last.exchange_timezone if last else None, now)
