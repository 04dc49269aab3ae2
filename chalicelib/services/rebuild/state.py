"""Make the state that rebuild puts. Values that depend on expired prices are taken from the old
state."""

from __future__ import annotations

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import place_of
from chalicelib.domain.detection import Opening, State, Watch
from chalicelib.domain.rules import Rule
from chalicelib.domain.splits import MAX_SPLITS, Split
from chalicelib.domain.watching import RuleState
from chalicelib.services.rebuild.losses import Losses


def in_place_of(old: State, new: State, watch: Watch, losses: Losses) -> State:
    """Return the new state, with the version, pending alerts and rule history of the old state.

    Live bars that have lost ticks are taken from the old state. Closes and rule states are, too, if
    too few prices since the last loss remain to compute them. Rules that the old state lacks, or
    has in another version, are left out. Detect begins with them at the next price.
    """
    lost = _minute_lost_some(old, new, losses)
    unbroken = 0 if lost else losses.unbroken + sum(bar.ticks for bar in new.minutes)
    splits = _splits(old, new, losses)
    short = unbroken < min(len(old.closes), watch.depth) or splits != new.splits
    running = _running(old, new, losses)
    return msgspec.structs.replace(
        running,
        version=old.version,
        repairs=old.repairs + 1,
        gap=_gap(old, new, running),
        pending=old.pending,
        told=old.told if old.last_timestamp == new.last_timestamp else None,
        day=_day(old, new, losses, lost=lost),
        closes=old.closes[-watch.depth :] if short else new.closes,
        splits=splits,
        opening=old.opening if short else _opening(old, new, losses),
        rule_states=_rule_states(old, new, watch, unbroken),
    )


def _gap(old: State, new: State, running: State) -> int:
    """Return the seconds between the last two ticks. The old state knows them even if the earlier
    tick has expired."""
    if running.last_timestamp != old.last_timestamp:
        return new.gap
    known = [gap for gap in (old.gap, new.gap) if gap]
    return min(known, default=0)


def _minute_lost_some(old: State, new: State, losses: Losses) -> bool:
    return _same_minute(old, new) and losses.lost_some(_start(old), new.minutes, old.minutes)


def _same_minute(old: State, new: State) -> bool:
    return old.last_timestamp == new.last_timestamp and _start(old) == _start(new)


def _start(state: State) -> str:
    return state.minute.start if state.minute else ""


def _running(old: State, new: State, losses: Losses) -> State:
    """Return the new state with its running minute. If ticks of that minute have expired, take the
    minute and the last ticks from the old state. If only the last regular tick has expired, take
    just that tick."""
    if not _same_minute(old, new):
        return new
    worse = losses.are_doubtful(new.minutes, old.minutes)
    if worse or _minute_lost_some(old, new, losses):
        return msgspec.structs.replace(
            new, last=old.last, mark=old.mark, minute=old.minute, beside=old.beside
        )
    extended = new.last is not None and place_of(new.last).extended
    if extended and old.mark and (not new.mark or new.mark.timestamp < old.mark.timestamp):
        return msgspec.structs.replace(new, mark=old.mark)
    return new


def _day(old: State, new: State, losses: Losses, *, lost: bool) -> Bar | None:
    day = old.day
    if day is None or old.last_timestamp != new.last_timestamp:
        return new.day
    if not losses.may_concern(day.session_date):
        return new.day
    ticks = new.day.ticks if new.day else 0
    stays = lost or losses.concern(day.session_date) or ticks < day.ticks
    return day if stays else new.day


def _splits(old: State, new: State, losses: Losses) -> tuple[Split, ...]:
    """Return the splits, with those of the old state that the remaining prices do not show."""
    splits = {split.date: split for split in old.splits if losses.precede(split.date)}
    splits |= {split.date: split for split in new.splits}
    return tuple(splits[date] for date in sorted(splits))[-MAX_SPLITS:]


def _opening(old: State, new: State, losses: Losses) -> Opening | None:
    """Return the prices before the session, from the old state if they have expired."""
    if not (old.opening and new.opening and new.last) or old.last_timestamp != new.last_timestamp:
        return new.opening
    if not losses.precede(place_of(new.last).date):
        return new.opening
    return Opening(new.opening.closes, old.opening.before)


def _rule_states(old: State, new: State, watch: Watch, unbroken: int) -> dict[str, RuleState]:
    rule_states = {}
    for rule in watch.rules:
        before, after = old.rule_states.get(rule.rule_id), new.rule_states.get(rule.rule_id)
        if before is None:
            continue
        if after is not None:
            rule_states[rule.rule_id] = _rule_state(rule, before, after, unbroken)
        elif before.fingerprint == rule.fingerprint:
            rule_states[rule.rule_id] = before
    return rule_states


def _rule_state(rule: Rule, old: RuleState, new: RuleState, unbroken: int) -> RuleState:
    """Return a rule's state. A rule on bars is evaluated on stored closes, which outlive prices.
    Even so, the last bar on which it was evaluated may be missing once prices have expired."""
    short = unbroken < rule.closes_needed if rule.interval == "tick" else new.bar < old.bar
    if old.fingerprint != new.fingerprint or short:
        return old
    side = new.side or old.side
    return msgspec.structs.replace(
        new, side=side, fired_at=old.fired_at, fired_scope=old.fired_scope
    )
