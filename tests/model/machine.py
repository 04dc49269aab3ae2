"""A program of steps, drawn at random, against the real services; see reference.py for the truth.

After the last step everything is delivered until nothing fails, and the stores are judged.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from chalicelib.bootstrap import Services
from chalicelib.domain.rules import Rule
from tests.model import verdict
from tests.model.course import Course, is_complete
from tests.model.lab import SMALL, Fault, Lab
from tests.model.markets import MARKETS, MOVES, T
from tests.model.templates import TEMPLATES
from tests.model.traffic import Traffic
from tests.model.verdict import Change, Series
from tests.stored_rules import drop_rule

TARGETS = (
    "prices",
    "bars",
    "state",
    "alerts",
    "symbols",
    "rules",
    "PutObject",
    "Publish",
    "SendMessage",
)
KINDS = ("die before", "die after", "refuse", "lose answer", "withhold", "meanwhile")

numbers = st.integers(0, 2)
faults = st.lists(
    st.builds(Fault, st.sampled_from(TARGETS), st.sampled_from(KINDS), numbers), max_size=3
)
names = st.sampled_from(sorted(TEMPLATES))
levels = st.sampled_from((0, 1, -1, 2, -2, 3, -3, 6, -6))
markets = [0, 0, 0, 0, *range(len(MARKETS))]
"""New York is drawn more often, since it alone has hours before and after the session."""

ticks = st.builds(
    T,
    st.sampled_from((0.1, 7, 61, 61, 400.5, 3700, "now", *MOVES)),
    levels,
    st.sampled_from(("", "", "clock", "PRE", "REGULAR", "POST")),
    st.integers(0, 3),
)


class Machine(Course, RuleBasedStateMachine):
    """Its rules are what may happen; hypothesis prints those of a failure as a program."""

    @initialize(
        markets=st.lists(st.sampled_from(markets), min_size=1, max_size=3, unique=True).map(sorted),
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
        """Set up the run."""
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
        """Send a tick from before an earlier one."""
        self.traffic.send_before(self._who(who), back, tick, ahead)
        self._time_goes_on()

    @rule(who=numbers, back=st.integers(1, 9), tick=ticks, packed=st.booleans())
    def correct(self, who: int, back: int, tick: T, packed: bool) -> None:
        """Send a tick again with other values, alone or with the next one."""
        self.traffic.correct(self._who(who), back, tick, packed=packed)
        self._time_goes_on()

    @rule(stream=numbers, back=st.integers(1, 9))
    def repeat(self, stream: int, back: int) -> None:
        """A record once more."""
        self.traffic.repeat(stream % 2, back)
        self._time_goes_on()

    @rule(who=numbers, what=st.integers(0, 4))
    def poison(self, who: int, what: int) -> None:
        """Send a record that cannot be read."""
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

    @rule(who=numbers, first=ticks, second=ticks, late=ticks, container=numbers)
    def late_between(self, who: int, first: T, second: T, late: T, container: int) -> None:
        """Two ticks are delivered, and their batch comes again with a late one between them."""
        self._drain_ingest()
        stream = self.traffic.stream_of(self._who(who))
        begun = stream.checkpoint
        self.send(who, [first], False)
        self.send(who, [second], False)
        self._deliver(self._container(container))
        self.send_late(who, 1, late, 0.05)
        stream.checkpoint = begun
        self._deliver(self._container(container))

    @rule(
        who=numbers,
        levels=st.tuples(levels, levels, levels, levels),
        state=st.sampled_from(("", "PRE", "POST")),
        apart=st.booleans(),
        dies=st.booleans(),
    )
    def overtake(
        self, who: int, levels: tuple[int, int, int, int], state: str, apart: bool, dies: bool
    ) -> None:
        """One container takes a tick, and the next one a correction of it, which may move it to
        the bar of the other kind, and the tick that closes its minute, perhaps in a batch of its
        own. The first, whose state is behind, goes on; it may die before it writes."""
        first, corrected, closing, last = levels
        self.trade(who, [T(61, first)], 1, [])
        self.correct(who, 1, T(0.1, corrected, state), False)
        if apart:
            self._deliver(self._container(1))
        self.send(who, [T(61, closing)], False)
        self._deliver(self._container(1))
        self.trade(who, [T(61, last)], 1, [Fault("state", "die before", 0)] if dies else [])

    @rule(
        name=st.sampled_from(("averages", "averages", "averages", "minute", "five", "hour", "day")),
        levels=st.lists(levels, min_size=7, max_size=7),
        containers=st.sampled_from((0, 0, 1, 2)),
    )
    def overnight(self, name: str, levels: list[int], containers: int) -> None:
        """Minutes before and after a close and an open, watched by a rule on bars; all in one
        batch, or so many containers take turns."""
        if self._rule(name) is None:
            self.put_rule(name, 0)
            self.pause(31)
        gaps: list[float | str] = [61, 61, "after", 61, "open", 61, 61]
        ticks = [T(gap, level) for gap, level in zip(gaps, levels, strict=True)]
        if containers:
            self.trade(0, ticks, containers, [])
            return
        for tick in ticks:
            self.send(0, [tick], False)
        self._deliver(0)

    @rule(who=numbers, levels=st.tuples(levels, levels, levels), container=numbers)
    def correct_packed(self, who: int, levels: tuple[int, int, int], container: int) -> None:
        """A packed record is delivered, and then its last tick comes again alone."""
        first, last, corrected = levels
        self.send(who, [T(7, first), T(0.1, last)], False)
        self._deliver(self._container(container))
        self.correct(who, 1, T(0.1, corrected), False)

    @rule(back=st.integers(1, 4))
    def change_again(self, back: int) -> None:
        """Changes of the table that were delivered are delivered again."""
        self._watch()
        changes = self.lab.aws.stream[-back:]
        self.pending += [one for one in changes if is_complete(one)]

    @rule(seconds=st.sampled_from((10, 31, 61)))
    def wait(self, seconds: int) -> None:
        """Nothing happens for a while."""
        self.pause(seconds)

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
            drop_rule(self.api.stores.rules, found)
            self.changes.append(Change(self.lab.seconds, name, None))

    def teardown(self) -> None:
        """Deliver the rest, and judge."""
        with self.stack:
            if hasattr(self, "traffic"):
                found = self.findings()
                assert not found, "\n".join(found)

    def findings(self) -> list[str]:
        """Return the errors once the rest has been delivered."""
        self._drain()
        series = [
            Series(one.market.symbol, tuple(one.sent), tuple(one.history), one.disturbed)
            for one in self.traffic.senders
            if one.sent
        ]
        return [
            *verdict.stores(self.lab, series),
            *verdict.rules(self.lab, self.changes),
            *verdict.alerts(self.lab, series),
        ]
