"""Limit the alerts that a container records and sends per minute of market time, over all symbols.

Sending an alert takes three calls. Rules for all symbols could fire at each tick. A container would
then only send alerts, and detection would fall behind permanently (docs/decisions/0274).
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from typing import NamedTuple


class Bound(NamedTuple):
    """The limits of alerts per minute. Each rule may always take `own` alerts, and at most `each`.
    Beyond `own`, all rules together may take `shared`."""

    own: int
    each: int
    shared: int


MESSAGES = Bound(own=1, each=600, shared=900)
RECORDS = Bound(own=10, each=1_000, shared=3_000)
FIRSTS = Bound(own=0, each=1_000, shared=3_000)
"""The limit for first alerts, one of each rule and symbol in a minute. It applies once RECORDS is
used up. A symbol that uses up a rule's limit therefore does not silence other symbols
(docs/decisions/0293)."""

MAX_MINUTES = 400
"""The counts of this many minutes are kept: those used last. Exchanges have different delays, so
several minutes are in use at once. In a replay, hundreds are."""


class _Minute:
    __slots__ = ("_by_rule", "_shared")

    def __init__(self) -> None:
        self._by_rule: Counter[str] = Counter()
        self._shared = 0

    def take(self, rule_id: str, bound: Bound) -> bool:
        taken = self._by_rule[rule_id]
        if taken >= bound.own:
            if taken >= bound.each or self._shared >= bound.shared:
                return False
            self._shared += 1
        self._by_rule[rule_id] = taken + 1
        return True

    def give_back(self, rule_id: str, bound: Bound) -> None:
        self._by_rule[rule_id] -= 1
        self._shared -= self._by_rule[rule_id] >= bound.own


class AlertBudget:
    """The alert budget of a container. Several threads share it."""

    def __init__(
        self, messages: Bound = MESSAGES, records: Bound = RECORDS, firsts: Bound = FIRSTS
    ) -> None:
        self._bounds = {"send": messages, "record": records, "first": firsts}
        self._minutes: OrderedDict[tuple[str, str], _Minute] = OrderedDict()
        self._lock = threading.Lock()

    def reserve(self) -> Reservation:
        """Return a reservation for a step of one symbol. It is a context. At its end, all alerts
        that were taken are given back, unless `keep` was called."""
        return Reservation(self)

    def take(self, kind: str, rule_id: str, minute: str) -> bool:
        """Take one alert from the budget named by `kind`: "send", "record" or "first". Return True,
        or False if this budget is used up."""
        with self._lock:
            taken = self._minutes.setdefault((kind, minute), _Minute())
            self._minutes.move_to_end((kind, minute))
            if len(self._minutes) > 2 * MAX_MINUTES:
                self._minutes.popitem(last=False)
            return taken.take(rule_id, self._bounds[kind])

    def give_back(self, kind: str, rule_id: str, minute: str) -> None:
        """Give back one alert that `take` took, unless its minute's counts have been dropped."""
        with self._lock:
            if (taken := self._minutes.get((kind, minute))) is not None:
                taken.give_back(rule_id, self._bounds[kind])


class Reservation:
    """The Room of one step. When the context ends, it gives back all alerts that were not kept."""

    def __init__(self, budget: AlertBudget) -> None:
        self._budget = budget
        self._taken: list[tuple[str, str, str]] = []

    def record(self, rule_id: str, minute: str, *, is_first: bool = False) -> bool:
        """See Room.record."""
        if self._take("record", rule_id, minute):
            return True
        return is_first and self._take("first", rule_id, minute)

    def send(self, rule_id: str, minute: str) -> bool:
        """See Room.send."""
        return self._take("send", rule_id, minute)

    def keep(self) -> None:
        """Keep the alerts that were taken. Call this after the step's state is written."""
        self._taken.clear()

    def __enter__(self) -> Reservation:
        return self

    def __exit__(self, *_: object) -> None:
        for place in self._taken:
            self._budget.give_back(*place)
        self._taken.clear()

    def _take(self, kind: str, rule_id: str, minute: str) -> bool:
        if not self._budget.take(kind, rule_id, minute):
            return False
        self._taken.append((kind, rule_id, minute))
        return True
