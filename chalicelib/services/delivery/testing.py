"""Make test alerts. People use them to check whether a channel reaches them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from chalicelib.domain.alerts import TEST_CONDITION, Alert
from chalicelib.domain.channels import StoredChannel
from chalicelib.domain.errors import Conflict
from chalicelib.domain.times import to_text

SYMBOL = "TEST"
"""The symbol of test alerts. It needs no prices."""


def trial(channel: StoredChannel, now: datetime) -> Alert:
    """Return a test alert for one channel only. Raises Conflict if the channel is switched off."""
    if not channel.enabled:
        raise Conflict("the channel is switched off: PUT it with enabled true")
    return Alert(
        symbol=SYMBOL,
        timestamp=to_text(now),
        rule_id=f"test-{channel.channel_id}",
        condition=TEST_CONDITION,
        interval="tick",
        price=Decimal(0),
        values={},
        message=f"Test alert of Ticktape for the channel {channel.name}: alerts reach you",
        source="test",
        channels=(channel.channel_id,),
    )
