"""An ActionStore in memory."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.actions import Action
from chalicelib.services.stores import RecordedActions


class FakeActions:
    """ActionStore in memory."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], Action] = {}

    def record(self, actions: Sequence[Action], deadline: float) -> RecordedActions:
        """See ActionStore.record."""
        conflicts = {}
        for index, action in enumerate(actions):
            known = self.stored.setdefault((action.symbol, action.place), action)
            kept, other = sorted([known, action], key=lambda one: one.rank)
            self.stored[action.symbol, action.place] = kept
            if not kept.is_repeated_by(other):
                conflicts[index] = kept, other
        return RecordedActions(conflicts, frozenset())

    def actions(self, symbol: str) -> list[Action]:
        """See ActionStore.actions."""
        return [self.stored[key] for key in sorted(self.stored) if key[0] == symbol]
