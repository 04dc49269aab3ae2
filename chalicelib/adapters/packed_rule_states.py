"""Packs rule states into short texts, so that the states of five default rules fit into a kilobyte.

A rule's text has the fields of RuleState, separated by commas, without empty fields at its end.
Timestamps are microseconds since 1970 in hexadecimal. Ids of default rules begin with `~`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from chalicelib.domain.times import EPOCH, from_text, is_canonical, to_text
from chalicelib.domain.watching import RuleState

_DEFAULT, _SHORT = "default-", "~"
_STAMP = len("2026-11-20T15:30:00.123456Z")
_ONE = timedelta(microseconds=1)


def pack(rule_states: Mapping[str, RuleState]) -> dict[str, str]:
    """Return rule states as short texts, by short rule id."""
    return {_short_id(rule_id): _text(found) for rule_id, found in rule_states.items()}


def unpack(packed: Mapping[str, str]) -> dict[str, RuleState]:
    """Return the rule states by rule id that `pack` has packed."""
    return {_whole_id(short): _rule_state(text) for short, text in packed.items()}


def _short_id(rule_id: str) -> str:
    return _SHORT + rule_id[len(_DEFAULT) :] if rule_id.startswith(_DEFAULT) else rule_id


def _whole_id(short: str) -> str:
    return _DEFAULT + short[1:] if short.startswith(_SHORT) else short


def _text(found: RuleState) -> str:
    stamps = map(_short_stamp, (found.fired_at, found.fired_scope, found.bar))
    side = str(found.side) if found.side else ""
    inside = "1" if found.inside else ""
    fields = (found.fingerprint, side, inside, found.session, *stamps, found.memory)
    return ",".join(fields).rstrip(",")


def _rule_state(text: str) -> RuleState:
    fields = text.split(",")
    fields += [""] * (8 - len(fields))
    fingerprint, side, inside, session, fired_at, scope, bar, memory = fields
    fired_at, scope, bar = map(_whole_stamp, (fired_at, scope, bar))
    begin = fingerprint, int(side or 0), bool(inside), session
    return RuleState(*begin, fired_at, scope, bar, memory)


def _short_stamp(text: str) -> str:
    """Return a timestamp as a hexadecimal number. A session's date is returned unchanged."""
    if len(text) != _STAMP or not is_canonical(text):
        return text
    return f"{(from_text(text) - EPOCH) // _ONE:x}"


def _whole_stamp(short: str) -> str:
    if not short or short[4:5] == "-":
        return short
    return to_text(EPOCH + int(short, 16) * _ONE)
