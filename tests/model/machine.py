"""A program of steps, drawn at random, against the real services; see reference.py for the truth.

After the last step everything is delivered until nothing fails, and the stores are judged.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.rules import Rule
from tests.model import verdict
from tests.model.lab import SMALL, Fault, Lab
from tests.model.markets import MARKETS, MOVES, T
from tests.model.traffic import Stream, Traffic
from tests.model.verdict import Change, Series

TEMPLATES: dict[str, dict[str, Any]] = {
    "above": {"condition": "greater_than", "value": "101.5", "trigger": "once"},
    "below": {"condition": "less_than", "value": "99.25", "trigger": "once_per_session"},
    "cross": {"condition": "crossing", "value": "100", "trigger": "once_per_bar"},
    "up": {"condition": "crossing_up", "value": "100.75", "cooldown_seconds": 100},
    "down": {"condition": "crossing_down", "value": "101", "notify": False},
    "change": {"condition": "change_percent", "value": "3"},
    "move": {"condition": "moving_percent", "value": "2", "window": 3},
    "golden": {"condition": "golden_cross", "fast": 2, "slow": 6},
    "first": {"condition": "every_record", "trigger": "once"},
    "each": {"condition": "every_record", "trigger": "once_per_session"},
    "minute": {"condition": "crossing_up", "value": "100", "interval": "1m"},
    "averages": {"condition": "golden_cross", "fast": 1, "slow": 3, "interval": "1m"},
    "five": {"condition": "moving_percent", "value": "1", "window": 1, "interval": "5m"},
    "hour": {"condition": "greater_than", "value": "100", "interval": "1h"},
    "day": {"condition": "crossing", "value": "100", "interval": "1d"},
}

TARGETS = ("prices", "bars", "state", "alerts", "symbols", "rules", "PutObject", "Publish")
KINDS = ("die before", "die after", "refuse", "lose answer", "withhold", "meanwhile")

numbers = st.integers(0, 2)
faults = st.lists(
    st.builds(Fault, st.sampled_from(TARGETS), st.sampled_from(KINDS), numbers), max_size=3
)
names = st.sampled_from(sorted(TEMPLATES))
ticks = st.builds(
    T,
    st.sampled_from((0.1, 7, 61, 61, 400.5, 3700, "now", *MOVES)),
    st.sampled_from((0, 1, -1, 2, -2, 3, -3, 6, -6)),
    st.sampled_from(("", "", "clock", "PRE", "REGULAR", "POST")),
    st.integers(0, 3),
)


class Machine(RuleBasedStateMachine):
    """Its rules are what may happen; hypothesis prints those of a failure as a program."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[Change] = []
        self.pending: list[dict[str, Any]] = []
        self.seen = 0
        self.stack = ExitStack()

    @initialize(
        markets=st.lists(st.integers(0, len(MARKETS) - 1), min_size=1, max_size=3, unique=True),
        day=numbers,
        containers=st.integers(1, 3),
        page_items=st.sampled_from((3, 1000)),
        rules=st.lists(names, max_size=6, unique=True),
        mode=st.sampled_from(("replay", "replay", "live", "backfill")),
        way=st.sampled_from(("kinesis", "sqs", "both")),
        history=st.booleans(),
    )
    def begin(
        self,
        markets: list[int],
        day: int,
        containers: int,
        page_items: int,
        rules: list[str],
        mode: str,
        way: str,
        history: bool,
    ) -> None:
        """What the run is about."""
        self.lab = Lab(containers, page_items)
        self.traffic = Traffic(markets, day, mode, way)
        self.lab.now = self.traffic.arrived
        self.stack.enter_context(self.lab.at_work())
        self.api = Services(SMALL, lambda: self.lab.now, self.lab.aws)
        for name in rules:
            self.put_rule(name, 0)
        for who in range(len(markets) if history else 0):
            self.traffic.send_history(who)
        self._drain_ingest()

    def _who(self, number: int) -> int:
        return number % len(self.traffic.senders)

    def _container(self, number: int) -> int:
        return number % len(self.lab.containers)

    @rule(who=numbers, ticks=st.lists(ticks, min_size=1, max_size=4), junk=st.booleans())
    def send(self, who: int, ticks: list[T], junk: bool) -> None:
        """A record of new ticks."""
        self.traffic.send(self._who(who), ticks, junk=junk)
        self._time_goes_on()

    @rule(tick=ticks, container=numbers)
    def poll(self, tick: T, container: int) -> None:
        """A message with a new tick of each symbol, delivered."""
        self.traffic.poll(tick)
        self._time_goes_on()
        self._deliver(self._container(container))

    @rule(
        who=numbers,
        ticks=st.lists(ticks, min_size=2, max_size=8),
        containers=st.integers(1, 3),
        faults=faults,
    )
    def trade(self, who: int, ticks: list[T], containers: int, faults: list[Fault]) -> None:
        """New ticks, a record each; each is delivered before the next one is sent. So many
        containers take turns."""
        self.lab.expect(faults)
        for turn, tick in enumerate(ticks):
            self.send(who, [tick], False)
            self._deliver(self._container(turn % containers))

    @rule(
        who=numbers, back=st.integers(1, 9), tick=ticks, ahead=st.sampled_from((0.5, 30, 61, 4000))
    )
    def send_late(self, who: int, back: int, tick: T, ahead: float) -> None:
        """A tick from before one that was sent."""
        self.traffic.send_before(self._who(who), back, tick, ahead)
        self._time_goes_on()

    @rule(who=numbers, back=st.integers(1, 9), tick=ticks, packed=st.booleans())
    def correct(self, who: int, back: int, tick: T, packed: bool) -> None:
        """A tick once more with other values, alone or with the one that follows."""
        self._settle(self._who(who))
        self.traffic.correct(self._who(who), back, tick, packed=packed)
        self._time_goes_on()

    @rule(stream=numbers, back=st.integers(1, 9))
    def repeat(self, stream: int, back: int) -> None:
        """A record once more."""
        for who in range(len(self.traffic.senders)):
            self._settle(who)
        self.traffic.repeat(stream % 2, back)
        self._time_goes_on()

    @rule(who=numbers, what=st.integers(0, 4))
    def poison(self, who: int, what: int) -> None:
        """A record that nobody can read."""
        self.traffic.poison(self._who(who), what)

    @rule(container=numbers, stream=numbers, size=st.integers(1, 5))
    def ingest(self, container: int, stream: int, size: int) -> None:
        """A batch of records."""
        one = self.traffic.streams[stream % 2]
        if one.waiting:
            self._ingest(self._container(container), one, size)

    @rule(container=numbers, skip=numbers, count=st.integers(1, 5))
    def detect(self, container: int, skip: int, count: int) -> None:
        """A batch of the table's changes, not always the oldest ones."""
        self._watch()
        self._detect(self._container(container), skip, count)

    @rule(container=numbers, faults=faults)
    def deliver(self, container: int, faults: list[Fault]) -> None:
        """All that waits, as far as it goes."""
        self.lab.expect(faults)
        self._deliver(self._container(container))

    @rule(stream=numbers, back=st.integers(1, 4))
    def rewind(self, stream: int, back: int) -> None:
        """Records that were delivered are delivered again."""
        one = self.traffic.streams[stream % 2]
        one.checkpoint = max(0, one.checkpoint - back)

    @rule(back=st.integers(1, 4))
    def change_again(self, back: int) -> None:
        """Changes of the table that were delivered are delivered again."""
        self._watch()
        changes = self.lab.aws.stream[-back:]
        self.pending += [one for one in changes if _is_complete(one)]

    @rule(seconds=st.sampled_from((10, 31, 61)))
    def wait(self, seconds: int) -> None:
        """Nothing happens for a while."""
        self.lab.wait(seconds)

    @rule(container=numbers)
    def restart(self, container: int) -> None:
        """A container is replaced by a cold one."""
        self.lab.restart(self._container(container))

    @rule(name=names, version=st.integers(0, 3))
    def put_rule(self, name: str, version: int) -> None:
        """A new rule, or another version of one; each version is another rule to itself."""
        given = {"symbol": "*", **TEMPLATES[name], "rule_id": name}
        if "value" in given:
            given["value"] = Decimal(given["value"])
        expires = f"2099-01-{1 + len(self.changes) % 28:02d}T00:00:00.0000{version:02d}Z"
        self._change(Rule(**{**given, "expires_at": expires}))

    @rule(name=names)
    def switch_off(self, name: str) -> None:
        """A rule is disabled, for good."""
        found = self._rule(name)
        if found is not None:
            self._change(msgspec.structs.replace(found, enabled=False))

    @rule(name=names)
    def remove_rule(self, name: str) -> None:
        """A rule is deleted."""
        found = self._rule(name)
        if found is not None:
            self.api.stores.rules.remove(found)
            self.changes.append(Change(self.lab.seconds, name, None))

    def _rule(self, name: str) -> Rule | None:
        mine = [change.rule for change in self.changes if change.rule_id == name]
        return mine[-1] if mine else None

    def _change(self, changed: Rule) -> None:
        self.api.stores.rules.put(changed)
        self.changes.append(Change(self.lab.seconds, changed.rule_id, changed))

    def _time_goes_on(self) -> None:
        self.lab.now = max(self.lab.now, self.traffic.arrived)

    def _settle(self, who: int) -> None:
        """A part of a symbol's first packed record is only sent a minute after it was taken: until
        then docs/delivery.md makes an exception."""
        sender = self.traffic.senders[who]
        if sender.packed and not sender.settled:
            self._drain_ingest()
            self.lab.wait(61)
            sender.settled = True

    def _watch(self) -> None:
        """New changes of the prices table that the mapping's filter lets through."""
        stream = self.lab.aws.stream
        self.pending += [one for one in stream[self.seen :] if _is_complete(one)]
        self.seen = len(stream)

    def _deliver(self, container: int) -> None:
        """Both streams, then detection."""
        for stream in self.traffic.streams:
            if stream.waiting:
                self._ingest(container, stream, 1000)
        self._watch()
        self._detect(container, 0, 1000)

    def _ingest(self, container: int, stream: Stream, size: int) -> None:
        records = stream.batch(size)
        later = stream.kind == "sqs"

        def work(services: Services, request: str) -> list[str]:
            return services.ingest(records, math.inf).identifiers(records, all_later=later)

        stream.busy = True
        failed = self.lab.invoke(container, work, lambda: self._others(container))
        stream.busy = False
        if failed is not None:
            names = [record.identifier for record in records]
            stream.checkpoint += min(map(names.index, failed), default=len(names))

    def _detect(self, container: int, skip: int, count: int) -> None:
        batch = self.pending[skip : skip + count]
        if not batch:
            return
        del self.pending[skip : skip + count]
        found = events.triggers({"Records": batch})

        def work(services: Services, request: str) -> list[str]:
            return list(services.detect(found, request).failed)

        failed = self.lab.invoke(container, work, lambda: self._others(container, batch))
        if failed is None:
            self.pending = batch + self.pending
        elif failed:
            numbers = [one["dynamodb"]["SequenceNumber"] for one in batch]
            self.pending = batch[min(map(numbers.index, failed)) :] + self.pending

    def _others(self, container: int, batch: list[dict[str, Any]] | None = None) -> None:
        """What comes between two calls of an invocation: the next container delivers all that
        waits, and the same changes besides."""
        if len(self.lab.containers) > 1:
            self.pending += batch or []
            self._deliver((container + 1) % len(self.lab.containers))

    def _drain_ingest(self) -> None:
        self.lab.expect([])
        for _ in range(10):
            for stream in self.traffic.streams:
                if stream.waiting:
                    self._ingest(0, stream, 1000)

    def _drain(self) -> None:
        """Until nothing is left; leases of the dead end."""
        self.lab.expect([])
        for attempt in range(30):
            container = attempt % len(self.lab.containers)
            self._deliver(container)
            if not (self.pending or any(stream.waiting for stream in self.traffic.streams)):
                return
            self.lab.wait(30)
        raise AssertionError("delivery does not come to an end")

    def teardown(self) -> None:
        """Deliver the rest, and judge."""
        with self.stack:
            if hasattr(self, "traffic"):
                self._drain()
                self._judge()

    def _judge(self) -> None:
        series = [
            Series(one.market.symbol, tuple(one.sent), tuple(one.history), one.disturbed)
            for one in self.traffic.senders
            if one.sent
        ]
        verdict.assert_stores(self.lab, series)
        verdict.assert_rules(self.lab, self.changes)
        verdict.assert_alerts(self.lab, series)


def _is_complete(change: dict[str, Any]) -> bool:
    return "complete_from" in change["dynamodb"].get("NewImage", {})
