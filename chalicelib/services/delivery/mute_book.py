"""List, create and remove the mutes of a stage, and create them by signed links."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from chalicelib.domain.errors import Conflict, Unknown
from chalicelib.domain.mute_links import is_from_link, parse_link
from chalicelib.domain.mutes import MAX_MUTES, Mute, next_open, parse_mute, still_needed
from chalicelib.services.delivery.stored_lists import (
    Listed,
    ListStore,
    StoredList,
    remove_unreadable,
    rewrite,
)
from chalicelib.services.stores import StateStore

MAX_FROM_LINKS = 50
"""The most mutes that links may make. The rest of MAX_MUTES is left for others."""

MAX_REMOVED = 100
"""The most removed mutes that are remembered. If there are more, those that end last are kept."""


MuteStore = ListStore[Mute]
"""The store of the mutes."""


class MuteBook:
    """Reads and writes mutes. Mutes that have ended are not listed, and the next write drops them.

    For each symbol or rule, links can make at most one mute. If that mute is removed, links to
    mutes that end no later are refused until its end.

    `states` returns the store that has the time zone of a symbol's exchange. `link_key` verifies
    signed links; it is empty if links are not used.
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

    def listed(self) -> Listed[Mute]:
        """Return the mutes, oldest first, and the ids of at most MAX_MUTES that cannot be read. A
        mute that cannot be read has no effect."""
        table = self._store.table()
        mutes = [mute for mute in self._needed(table) if not mute.removed]
        return Listed(mutes, table.unreadable_ids(MAX_MUTES))

    def create(self, given: dict[str, Any]) -> Mute:
        """Store a new mute and return it. Raises MuteError, Conflict, Contended."""
        now = self._clock()
        opening = partial(self._opening, now=now)
        return self._add(parse_mute(given, randomness.token_hex(6), now, opening))

    def follow(self, link: object) -> Mute:
        """Store the mute of a signed link and return it. An earlier link may have made a mute of
        the same symbol or rule. If that mute ends no earlier, return it and write nothing.

        Raises MuteError, Contended and Conflict. Conflict also means that the mute was removed.
        """
        made = parse_link(link, self._link_key, self._clock())
        found = _lasting(self._needed(self._store.table()), made)
        if found is not None:
            return found

        def add(table: StoredList[Mute]) -> list[Mute]:
            nonlocal found
            stored = self._needed(table)
            found = _lasting(stored, made)
            return stored if found else _with_linked(stored, made)

        rewrite(self._store, add, "mutes")
        return found or made

    def remove(self, mute_id: str) -> None:
        """Remove a mute, even one that cannot be read. Raises Unknown, Contended."""
        if remove_unreadable(self._store, mute_id, self._needed, "mutes"):
            return

        def drop(table: StoredList[Mute]) -> list[Mute]:
            return _without(self._needed(table), mute_id)

        rewrite(self._store, drop, "mutes")

    def _add(self, made: Mute) -> Mute:
        def add(table: StoredList[Mute]) -> list[Mute]:
            return _with(self._needed(table), made)

        rewrite(self._store, add, "mutes")
        return made

    def _needed(self, table: StoredList[Mute]) -> list[Mute]:
        return still_needed(table.entries, self._clock())

    def _opening(self, symbol: str, now: datetime) -> datetime:
        state = self._states().get(symbol)
        last = state.last if state else None
        return next_open(symbol, last.exchange_timezone if last else None, now)


def _with(stored: Sequence[Mute], made: Mute) -> list[Mute]:
    if sum(not mute.removed for mute in stored) >= MAX_MUTES:
        raise Conflict(f"there are {MAX_MUTES} mutes, which is the most: remove one")
    return [*stored, made]


def _with_linked(stored: Sequence[Mute], made: Mute) -> list[Mute]:
    """Return the mutes with `made`, which comes from a link. It replaces the mutes that links have
    made of the same symbol or rule. Raises Conflict if there is no room."""
    others = [mute for mute in stored if not _is_same(mute, made)]
    if sum(is_from_link(mute) and not mute.removed for mute in others) >= MAX_FROM_LINKS:
        raise Conflict(
            f"links have made {MAX_FROM_LINKS} mutes, which is the most: remove one of them"
        )
    return _with(others, made)


def _lasting(stored: Iterable[Mute], made: Mute) -> Mute | None:
    """Return the mute that a link has made of the same symbol or rule, if it ends no earlier than
    `made`. Return None if there is none. Raises Conflict if that mute was removed."""
    for mute in stored:
        if _is_same(mute, made) and (mute.until or "") >= (made.until or ""):
            if mute.removed:
                raise Conflict(
                    f"the mute of {made.what} was removed: its links do not make it again before"
                    f" {mute.until}"
                )
            return mute
    return None


def _is_same(mute: Mute, made: Mute) -> bool:
    """Return whether a link has made `mute` of the same symbol or rule as `made`."""
    return is_from_link(mute) and (mute.symbol, mute.rule_id) == (made.symbol, made.rule_id)


def _without(stored: Sequence[Mute], mute_id: str) -> list[Mute]:
    """Return the mutes without the mute that has this id. If a link has made it, keep it and mark
    it as removed. Raises Unknown."""
    gone = next((mute for mute in stored if mute.mute_id == mute_id and not mute.removed), None)
    if gone is None:
        raise Unknown("mute", mute_id)
    left = [mute for mute in stored if mute is not gone]
    if not is_from_link(gone):
        return left
    removed = [mute for mute in left if mute.removed]
    removed.append(msgspec.structs.replace(gone, removed=True))
    removed.sort(key=lambda mute: mute.until or "", reverse=True)
    return [*(mute for mute in left if not mute.removed), *removed[:MAX_REMOVED]]
