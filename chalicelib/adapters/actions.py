"""Corporate actions in the bars table: each symbol has one partition for them.

The range key is the ex-date and the kind, `2020-08-31#split`. Items do not expire.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import islice
from typing import Any

from chalicelib.adapters.dynamodb import (
    Item,
    is_over,
    is_passing,
    item_of,
    number_of,
    readable,
    text,
)
from chalicelib.adapters.table_access import TableAccess
from chalicelib.domain.actions import Action
from chalicelib.domain.wire_actions import check_action
from chalicelib.services.parallel import in_parallel
from chalicelib.services.stores import RecordedActions

log = logging.getLogger("ticktape.actions")

ACTIONS = "actions"
"""Replaces the interval in the key of a symbol's actions."""

MOST_READ = 2_000
"""The most actions of a symbol that are read. Four dividends a year for a century are 400."""

_TRIES = 5
"""The most attempts to store one action: another container may store an action with the same key in
between, but hardly more than once."""

PARALLEL_PUTS = 8
"""The most concurrent puts. Puts with the same key stay in order."""

_Key = tuple[str, str]
_Stored = dict[_Key, Action | Item]
"""The stored actions by key. An item that cannot be read stands for itself."""


class Actions(TableAccess):
    """Implements ActionStore on DynamoDB."""

    def record(self, actions: Sequence[Action], deadline: float) -> RecordedActions:
        """See ActionStore.record."""
        stored = self._stored(actions)
        places: dict[_Key, list[int]] = {}
        for index, action in enumerate(actions):
            places.setdefault(_key_of(action), []).append(index)
        lanes: list[list[int]] = [[] for _ in range(min(PARALLEL_PUTS, len(places)))]
        for at, indexes in enumerate(places.values()):
            lanes[at % len(lanes)] += indexes

        def settle(lane: Sequence[int]) -> RecordedActions:
            return self._settle_all(actions, lane, stored, deadline)

        found = in_parallel(settle, lanes, PARALLEL_PUTS)
        conflicts = {at: both for part in found for at, both in part.conflicts.items()}
        left = frozenset(at for part in found for at in part.left)
        return RecordedActions(conflicts, left)

    def _settle_all(
        self,
        actions: Sequence[Action],
        indexes: Sequence[int],
        stored: _Stored,
        deadline: float,
    ) -> RecordedActions:
        """Store the actions at `indexes`, in order.

        Other threads store actions with other keys meanwhile. Even after the deadline, one action
        is put, and actions that are already stored are compared. Returns the conflicts, and in
        `left` the indexes of actions that were neither stored nor compared.
        """
        conflicts: dict[int, tuple[Action, Action]] = {}
        left: set[int] = set()
        puts = 0
        for index in indexes:
            is_new = not _is_settled(actions[index], stored)
            if is_new and puts and is_over(deadline):
                left.add(index)
                continue
            puts += is_new
            try:
                kept, other = self._settled(actions[index], stored)
            except Exception as error:
                if not is_passing(error):
                    raise
                left.add(index)
                continue
            if other is not None and not kept.is_repeated_by(other):
                conflicts[index] = kept, other
        return RecordedActions(conflicts, frozenset(left))

    def actions(self, symbol: str) -> list[Action]:
        """See ActionStore.actions."""
        series = f"{symbol}#{ACTIONS}"
        items = self._partition("series", series, ScanIndexForward=False, Limit=MOST_READ)
        newest = [action for item in islice(items, MOST_READ) if (action := _read(item))]
        return newest[::-1]

    def _settled(self, action: Action, stored: _Stored) -> tuple[Action, Action | None]:
        """Store an action unless the stored action has the same or a lower rank. Returns the action
        now stored and the other one, or None if there is no other. Updates `stored`. Replaces an
        item that cannot be read. Raises RuntimeError if other writers keep changing the item."""
        key = _key_of(action)
        for _ in range(_TRIES):
            known = stored.get(key)
            readable = known if isinstance(known, Action) else None
            if readable is not None and readable.rank <= action.rank:
                return readable, action
            if self._put(action, known):
                stored[key] = action
                return action, readable
            stored.pop(key, None)
            stored.update(self._stored([action]))
        raise RuntimeError(f"{action.symbol} {action.place} keeps changing")

    def _put(self, action: Action, known: Action | Item | None) -> bool:
        """Store an action if the table still holds `known`; return whether the action was stored.

        None stands for a free key. An item whose `known_at` is not a string is always replaced.
        """
        request: dict[str, Any] = {}
        if known is None:
            request["ConditionExpression"] = "attribute_not_exists(series)"
        elif isinstance(known, Action) or "S" in known.get("known_at", {}):
            at = text(known.known_at) if isinstance(known, Action) else known["known_at"]
            request["ConditionExpression"] = "known_at = :known"
            request["ExpressionAttributeValues"] = {":known": at}
        return self._write_if(Item=_item_of(action), **request)

    def _stored(self, actions: Sequence[Action]) -> _Stored:
        keys = [item_of(series=series, start=start) for series, start in set(map(_key_of, actions))]
        items = self._read_all(keys)
        return {(one["series"]["S"], one["start"]["S"]): _read(one) or one for one in items}


def _key_of(action: Action) -> _Key:
    return f"{action.symbol}#{ACTIONS}", action.place


def _item_of(action: Action) -> Item:
    series, start = _key_of(action)
    return item_of(
        series=series,
        start=start,
        ratio=action.ratio,
        amount=action.amount,
        previous_close=action.previous_close,
        known_at=action.known_at,
        source=action.source,
    )


def _is_settled(action: Action, stored: _Stored) -> bool:
    """Return whether a stored action has the same key and an equal or lower rank."""
    known = stored.get(_key_of(action))
    return isinstance(known, Action) and known.rank <= action.rank


def _read(item: Item) -> Action | None:
    return readable(_to_action, item, "action", ("series", "start"))


def _to_action(item: Item) -> Action:
    ex_date, _, kind = item["start"]["S"].partition("#")
    is_split = kind == "split"
    action = Action(
        symbol=item["series"]["S"].rpartition("#")[0],
        kind="split" if is_split else "dividend",
        ex_date=ex_date,
        known_at=item["known_at"]["S"],
        source=item["source"]["S"],
        ratio=item["ratio"]["S"] if is_split else None,
        amount=None if is_split else number_of(item, "amount"),
        previous_close=None if is_split else number_of(item, "previous_close"),
    )
    check_action(action)
    return action
