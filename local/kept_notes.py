"""Notes that the user sees at a start, on stored data that someone else may have made.

That person may hold tokens of the data folder's keys, get alerts through its channels, have muted
alerts, or have replaced default rules. A note is None if there is nothing to report.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from chalicelib.adapters.channels import Channels
from chalicelib.adapters.rules import Rules
from chalicelib.adapters.state import States
from chalicelib.adapters.symbols import Symbols
from chalicelib.domain.channels import TOPIC, with_topic
from chalicelib.domain.rules import default_rules
from commands import channels_command, mutes_command, token_command
from commands.holding_flags import described_holding

MOST_READ = 1_000
_MOST_NAMED = 10
_DEFAULTS = {rule.rule_id for rule in default_rules(1, 2, Decimal(1))}


def topic(dynamodb: Any, environment: dict[str, str]) -> str | None:
    """Return the note on an alerts topic whose settings drop or delay alerts. The terminal
    subscribes to the topic, so it shows such alerts late or never."""
    stored = Channels(dynamodb, environment["RULES_TABLE"]).table().entries
    found = next(one for one in with_topic(stored) if one.channel_id == TOPIC.channel_id)
    said = [
        *([] if found.enabled else ["switched off"]),
        *([] if found.default else ["not a default channel"]),
        *described_holding(found),
    ]
    if not said:
        return None
    changed = f"the alerts topic, which this terminal shows, was changed ({'; '.join(said)})"
    return f"{changed}: python -m local channels list"


def rules(dynamodb: Any, environment: dict[str, str]) -> str | None:
    """Return the note on stored rules that replace default rules and may never fire."""
    stored = Rules(dynamodb, environment["RULES_TABLE"]).all()
    replaced = {rule.rule_id: rule for rule in stored if rule.rule_id in _DEFAULTS}
    if not replaced:
        return None
    which = "1 default rule is" if len(replaced) == 1 else f"{len(replaced)} default rules are"
    off = sum(not rule.enabled for rule in replaced.values())
    said = f", {off} of them switched off" if off else ""
    return f"{which} replaced by stored rules{said}: python -m local rules export"


def states(dynamodb: Any, environment: dict[str, str]) -> str | None:
    """Return the note on symbols, among the first MOST_READ, whose state cannot be read. These
    symbols get no bars and alerts until their state is rebuilt."""
    seen = Symbols(dynamodb, environment["SYMBOLS_TABLE"]).listed("seen")[:MOST_READ]
    found = States(dynamodb, environment["STATE_TABLE"]).get_many(entry.symbol for entry in seen)
    broken = sorted(symbol for symbol, state in found.items() if state.unreadable)
    if not broken:
        return None
    which = "the state of 1 symbol" if len(broken) == 1 else f"the states of {len(broken)} symbols"
    return f"{which} cannot be read: python -m local rebuild {' '.join(broken[:_MOST_NAMED])}"


_NOTES = {
    "keys": token_command.kept,
    "channels": channels_command.kept,
    "topic": topic,
    "mutes": mutes_command.kept,
    "rules": rules,
    "states": states,
}


def notes(dynamodb: Any, environment: dict[str, str]) -> Iterator[str]:
    """Yield all notes that report something. Unreadable data is noted and stops no start."""
    for name, note in _NOTES.items():
        try:
            said = note(dynamodb, environment)
        except Exception as error:  # noqa: BLE001 - no error may stop the start
            said = f"the stored {name} cannot be read: {type(error).__name__}"
        if said is not None:
            yield said
