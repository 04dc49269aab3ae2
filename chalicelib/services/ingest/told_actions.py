"""Store corporate actions in ingest. An action that contradicts a stored one is quarantined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from chalicelib.domain.actions import Action
from chalicelib.domain.wire import Rejected
from chalicelib.services.ingest.known_symbols import KnownSymbols
from chalicelib.services.ingest.plan import Read
from chalicelib.services.ingest.quarantine import quarantine
from chalicelib.services.stores import Stores

_UNKNOWN = "symbol: {!r} has no prices, which have to come before actions"
_CONFLICT = "{0.kind} of {0.ex_date}: {1} contradicts {2}, which is known since {0.known_at}"

_Refused = tuple[Action, str]
"""An action that is not stored, and the reason."""


def actions_of(reads: Iterable[Read]) -> list[Action]:
    """Return the corporate actions of a batch."""
    return [action for read in reads for action in read.decoded.actions]


def with_sound_actions(
    reads: Sequence[Read], known: KnownSymbols, foreign: Callable[[Action], str | None]
) -> list[Read]:
    """Return the records with their corporate actions checked. Actions of unknown symbols or of
    other sources become rejected parts.

    `foreign` returns why an action does not belong to its symbol's series; None if it does.
    """
    actions = actions_of(reads)
    if not actions:
        return list(reads)
    known.look_up(actions)

    def refusal(action: Action) -> str | None:
        if action.symbol not in known:
            return _UNKNOWN.format(action.symbol)
        return foreign(action)

    return [_without(read, refusal) for read in reads]


class ToldActions:
    """Stores the corporate actions of a batch."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def store(self, reads: Sequence[Read], deadline: float) -> tuple[list[Read], set[int]]:
        """Store the actions. Return the records, and the indexes of those with actions that were
        not settled by the deadline. An action may contradict a stored one. The action that does not
        count then becomes a rejected part of the record and is quarantined."""
        places = [(index, one) for index, read in enumerate(reads) for one in read.decoded.actions]
        if not places:
            return list(reads), set()
        recorded = self._stores.actions.record([action for _, action in places], deadline)
        refused: dict[int, list[_Refused]] = {}
        for at, (kept, other) in sorted(recorded.conflicts.items()):
            reason = _CONFLICT.format(kept, _value(other), _value(kept))
            refused.setdefault(places[at][0], []).append((other, reason))
        done = list(reads)
        for index, some in refused.items():
            done[index] = _with_rejected(done[index], some)
        quarantine(self._stores.archive, [done[index] for index in sorted(refused)])
        return done, {places[at][0] for at in recorded.left}


def _value(action: Action) -> str:
    return str(action.ratio or action.amount)


def _without(read: Read, refusal: Callable[[Action], str | None]) -> Read:
    judged = ((action, refusal(action)) for action in read.decoded.actions)
    refused = [(action, reason) for action, reason in judged if reason is not None]
    return _with_rejected(read, refused) if refused else read


def _with_rejected(read: Read, refused: Sequence[_Refused]) -> Read:
    """Return the record with refused actions moved to its rejected parts."""
    decoded = read.decoded
    parts = [Rejected(0, msgspec.json.encode(action), reason) for action, reason in refused]
    ours = {id(action) for action, _ in refused}
    left = tuple(one for one in decoded.actions if id(one) not in ours)
    decoded = msgspec.structs.replace(decoded, actions=left, rejected=(*decoded.rejected, *parts))
    return Read(read.record, decoded)
