"""What a start says about the stored entry of the topic, to which the terminal listens."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters.channels import Channels
from chalicelib.domain.channels import TOPIC, with_topic
from local.commands.holding_flags import described_holding

_LIST = "python -m local channels list"


def kept(dynamodb: Any, environment: dict[str, str]) -> str | None:
    """Return the note that a start shows if the topic gets fewer alerts than an unchanged one, or
    later; None otherwise.

    Someone else may have changed it, and the terminal would show no alerts.
    """
    stored = Channels(dynamodb, environment["RULES_TABLE"]).table().channels
    topic = next(one for one in with_topic(stored) if one.channel_id == TOPIC.channel_id)
    said = [
        *([] if topic.enabled else ["switched off"]),
        *([] if topic.default else ["not a default channel"]),
        *described_holding(topic),
    ]
    if not said:
        return None
    return f"the topic, whose alerts are shown here, is changed ({'; '.join(said)}): {_LIST}"
