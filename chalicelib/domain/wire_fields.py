"""The fields of a tick on the wire. The producer sends them, and ingest reads them."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class WireFields(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The fields of a line in their order; docs/producer.md describes them.

    Only the types are checked. Other fields of a line are ignored here and kept in the archive.
    `producer.wire.WireTick` narrows the fields that the producer must fill in.
    """

    symbol: str
    timestamp: str | None = None
    price: Decimal
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    previous_close: Decimal | None = None
    volume: Decimal | None = None
    currency: str | None = None
    exchange_timezone: str | None = None
    market_state: str | None = None
    source: str | None = None
    mode: str = "live"
    bar: str | None = None
    folded: int | None = None
    split: str | None = None
    sources: str | None = None
