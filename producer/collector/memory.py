"""What a container needs to go on where another one left off, as an item of the symbols table."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from producer.wire import WireTick


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """`latest` holds the timestamps of the last ticks that the sink has acknowledged, `sent` their
    price and volume as text ("" for no volume), and `suspects` the jumps that wait to be confirmed,
    by symbol; the rest is what the source knows, with instants of DynamoDB's clock in place of
    seconds: "" when it, or its history, may be asked."""

    source: str = ""
    latest: Mapping[str, str] = {}
    sent: Mapping[str, tuple[str, str]] = {}
    suspects: Mapping[str, WireTick] = {}
    with_history: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    is_silent: bool = False
    refusals: int = 0
    throttled_until: str = ""
    history_refusals: int = 0
    history_until: str = ""
