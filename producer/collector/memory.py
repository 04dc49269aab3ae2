"""The state that a container needs to continue another's run, kept as an item of the symbols
table."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from producer.wire import WireTick


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """State that runs pass on, by symbol.

    `latest` holds the timestamps of the last acknowledged ticks, `sent` their price and volume as
    text ("" for no volume), `suspects` the jumps that wait to be confirmed. The other fields are
    the source's state, `Known`, with instants of DynamoDB's clock in place of seconds: "" if the
    source, or its history, may be asked.
    """

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
