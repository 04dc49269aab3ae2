"""What a start says about what is stored.

Someone else may have made the data folder, hold the keys' tokens, get the channels' alerts, and
have muted alerts, switched the topic off or replaced default rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local import kept_rules, kept_states, kept_topic
from local.commands import channels_command, mutes_command, token_command

_STORED = {
    "keys": token_command,
    "channels": channels_command,
    "topic": kept_topic,
    "mutes": mutes_command,
    "rules": kept_rules,
    "states": kept_states,
}


def notes(dynamodb: Any, environment: dict[str, str]) -> Iterator[str]:
    """Yield notes on what is stored, as far as there is something to say; a start goes on if it
    cannot be read."""
    for name, command in _STORED.items():
        try:
            said = command.kept(dynamodb, environment)
        except Exception as error:  # noqa: BLE001 - of whatever kind, the start goes on
            said = f"the stored {name} cannot be read: {type(error).__name__}"
        if said is not None:
            yield said
