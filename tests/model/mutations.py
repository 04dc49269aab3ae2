"""Faults that are put into the product one at a time, to see that the machine finds each."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Mutation(NamedTuple):
    """A replacement of text in a file of chalicelib; `name` says what is wrong then."""

    name: str
    file: str
    old: str
    new: str

    def apply(self, package: Path) -> None:
        """Change a copy of chalicelib. Raises ValueError where the text is not there once."""
        path = package / self.file
        text = path.read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file} has {self.old!r} {text.count(self.old)} times")
        path.write_text(text.replace(self.old, self.new))


MUTATIONS = (
    Mutation(
        "the state is written whatever its version",
        "adapters/state.py",
        'given = {"ConditionExpression": "version = :v"}',
        'given = {"ConditionExpression": "attribute_exists(symbol)"}',
    ),
    Mutation(
        "complete_from is the newest tick itself",
        "adapters/events.py",
        "complete_from=mark.first,",
        'complete_from=image["timestamp"]["S"],',
    ),
    Mutation(
        "a newest item says nothing of its batch's other ticks",
        "services/ingest/plan.py",
        'return f"{zlib.crc32(msgspec.json.encode(ticks)):08x}" if ticks else None',
        "return None",
    ),
    Mutation(
        "a bar closes as often as ticks come behind it",
        "domain/bar_watching.py",
        "if closed.last == label:",
        "if not closed.last:",
    ),
    Mutation(
        "rule states are forgotten",
        "domain/detection.py",
        "return {name: self._rule_states[name] for name in known[: max(on, MAX_RULES)]}",
        "return {}",
    ),
    Mutation(
        "bars are overwritten in place of inserted",
        "adapters/bars.py",
        "OR (ticks > :none AND {condition})",
        "OR (ticks >= :none OR {condition})",
    ),
    Mutation(
        "extended ticks count as regular ones",
        "domain/building.py",
        'return "PRE" in market_state or "POST" in market_state',
        "return False",
    ),
    Mutation(
        "a bar that was deleted is inserted again",
        "adapters/bars.py",
        "OR (ticks > :none AND {condition})",
        "OR (ticks > :none AND {condition}) OR attribute_exists(deleted)",
    ),
    Mutation(
        "alerts are sent without a claim",
        "services/delivery/claims.py",
        "            if not self._store.replace(retry, before, claimed):\n",
        "            if not self._store.replace(retry, before, claimed) and before:\n",
    ),
    Mutation(
        "pending alerts are not recorded by whoever reads the state next",
        "services/detect/detect.py",
        "self._stores.alerts.record_pending(state.pending, state.timezone)",
        "assert state.pending is not None",
    ),
    Mutation(
        "a delivery that waits is not asked for",
        "services/delivery/attempts.py",
        "        self._retries.put(following, seconds)\n",
        "        following = retry\n",
    ),
    Mutation(
        "a claim that is held is taken for done",
        "services/delivery/deliver.py",
        "            return self._defer(retry, LEASE.total_seconds())\n"
        "        if not is_due(found, retry):",
        '            return "none"\n        if not is_due(found, retry):',
    ),
    Mutation(
        "an alert that was sent is due again",
        "domain/deliveries.py",
        'return found.status == "dead" and retry.dead',
        'return found.status != "waiting"',
    ),
    Mutation(
        "volume is taken without the difference",
        "domain/building.py",
        "return max(ZERO, tick.volume - known)",
        "return tick.volume",
    ),
    Mutation(
        "late ticks repair nothing",
        "services/detect/detect.py",
        "after, left = self._corrections.repair(after, late, arrival, doubtful.inserted)",
        "left: list[Span] = []",
    ),
    Mutation(
        "a container judges by the rules that it knows, however old",
        "services/detect/detect.py",
        "known = {rule.rule_id: rule.fingerprint for rule in watch.rules}",
        "return watch",
    ),
    Mutation(
        "a container keeps its rules for ever",
        "bootstrap.py",
        "RULES_KEPT_SECONDS = 30",
        "RULES_KEPT_SECONDS = 30_000",
    ),
    Mutation(
        "a symbol's newest item does not wait for its others",
        "services/ingest/ingest.py",
        "others = [write for write in writes if not write.newest]",
        "others = [write for write in writes if len(write.sources) > 99]",
    ),
    Mutation(
        "part of a packed record overwrites the whole",
        "services/ingest/stored_items.py",
        "writes = with_stored(writes, stored) if stored else writes",
        "pass",
    ),
    Mutation(
        "the first copy of a tick counts in place of the last",
        "services/priced.py",
        "return order > 0",
        "return order < 0",
    ),
    Mutation(
        "arrivals alone say which of two records came later",
        "services/priced.py",
        "mine, theirs = mine[::-1], theirs[::-1]",
        "pass",
    ),
    Mutation(
        "a redriven message is one that has just been sent",
        "adapters/events.py",
        "if (sending := sending_of(told, milliseconds)) is not None:",
        "if (sending := sending_of(None, milliseconds)) is not None:",
    ),
    Mutation(
        "ticks without a timestamp of one millisecond share it",
        "domain/stamps.py",
        "return self._arrival.replace(microsecond=millisecond + slot_of(self._number))",
        "return self._arrival.replace(microsecond=millisecond)",
    ),
    Mutation(
        "windows of rules on bars count extended bars",
        "services/bars/closes.py",
        "if close.extended or close.start >= end:",
        "if close.start >= end:",
    ),
    Mutation(
        "hours after the close count from the open",
        "domain/building.py",
        "after_close = extended and instant >= session.close",
        "after_close = False",
    ),
    Mutation(
        "a change is entered once, not in each session",
        "domain/conditions.py",
        "was_inside = before.inside and before.session == observation.session",
        "was_inside = before.inside",
    ),
    Mutation(
        "an alert is marked as sent before it is sent",
        "services/delivery/attempts.py",
        "                channel.send(self._excusing(attempt, message()))\n",
        "                sent = ended(claimed, 'sent', to_text(self._clock()))\n"
        "                self._store.replace(retry, claimed, sent)\n"
        "                channel.send(self._excusing(attempt, message()))\n",
    ),
    Mutation(
        "bars of conditions count one point late",
        "domain/when/points.py",
        "return later(bar.start, seconds=SECONDS[self._interval]) <= point.end",
        "return later(bar.start, seconds=SECONDS[self._interval]) < point.end",
    ),
    Mutation(
        "a condition begins again at each tick",
        "services/detect/when_run.py",
        'memory = desk.memory(rule.rule_id) if _remembers(rule) else ""',
        'memory = ""',
    ),
)
"""Named by what is wrong, so that a surviving one is a sentence."""
