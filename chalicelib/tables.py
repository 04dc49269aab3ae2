"""The DynamoDB tables: the settings with their names, and the stores over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:  # each function imports only what it uses
    from chalicelib.adapters.channels import Channels
    from chalicelib.adapters.digests import Digests
    from chalicelib.adapters.directory_items import DirectoryItems
    from chalicelib.adapters.ended_channels import EndedChannels
    from chalicelib.adapters.mutes import Mutes
    from chalicelib.adapters.push_keys import PushKeys
    from chalicelib.services.access.key_ring import KeyStore
    from chalicelib.services.delivery.stores import DeliveryStore
    from chalicelib.services.lake.stores import Lease
    from chalicelib.services.stores import (
        ActionStore,
        AlertStore,
        BarStore,
        PriceStore,
        RuleStore,
        StateStore,
    )
    from chalicelib.services.symbol_stores import ProducerStore, SeriesEraser, SymbolStore


class TableNames(msgspec.Struct, frozen=True, kw_only=True):
    """The settings with the names of the tables in `infra/resources.json`."""

    prices_table: str
    bars_table: str
    state_table: str
    alerts_table: str
    rules_table: str
    symbols_table: str
    keys_table: str


class Tables:
    """Makes the stores over the tables. Each store's module is imported when the store is made."""

    def __init__(self, names: TableNames, dynamodb: Any) -> None:
        self._names = names
        self._dynamodb = dynamodb

    def prices(self, anomaly_percent: Decimal, ttl_days: int) -> PriceStore:
        """Return the store of ticks, which expire after `ttl_days`."""
        from chalicelib.adapters.prices import Prices

        return Prices(self._dynamodb, self._names.prices_table, anomaly_percent, ttl_days)

    def bars(self, ttl_days: Mapping[str, int]) -> BarStore:
        """Return the store of bars. Bars of intervals that `ttl_days` lacks never expire."""
        from chalicelib.adapters.bars import Bars

        return Bars(self._dynamodb, self._names.bars_table, ttl_days)

    def actions(self) -> ActionStore:
        """Return the store of splits and dividends."""
        from chalicelib.adapters.actions import Actions

        return Actions(self._dynamodb, self._names.bars_table)

    def states(self) -> StateStore:
        """Return the store of the symbols' detection states."""
        from chalicelib.adapters.state import States

        return States(self._dynamodb, self._names.state_table)

    def alerts(self) -> AlertStore:
        """Return the store of alerts."""
        from chalicelib.adapters.alerts import Alerts

        return Alerts(self._dynamodb, self._names.alerts_table)

    def deliveries(self) -> DeliveryStore:
        """Return the store of alerts' deliveries."""
        from chalicelib.adapters.deliveries import Deliveries

        return Deliveries(self._dynamodb, self._names.alerts_table)

    def digests(self) -> Digests:
        """Return the store of digests."""
        from chalicelib.adapters.digests import Digests

        return Digests(self._dynamodb, self._names.alerts_table)

    def ended_channels(self) -> EndedChannels:
        """Return the notes of channels that their receivers have ended."""
        from chalicelib.adapters.ended_channels import EndedChannels

        return EndedChannels(self._dynamodb, self._names.alerts_table)

    def rules(self) -> RuleStore:
        """Return the store of rules."""
        from chalicelib.adapters.rules import Rules

        return Rules(self._dynamodb, self._names.rules_table)

    def channels(self) -> Channels:
        """Return the store of channels."""
        from chalicelib.adapters.channels import Channels

        return Channels(self._dynamodb, self._names.rules_table, self.ended_channels())

    def mutes(self, clock: Callable[[], datetime]) -> Mutes:
        """Return the store of mutes."""
        from chalicelib.adapters.mutes import Mutes

        return Mutes(self._dynamodb, self._names.rules_table, clock)

    def directory(self, clock: Callable[[], datetime]) -> DirectoryItems:
        """Return the reader of channels and mutes for `deliver`, which reads both at once."""
        from chalicelib.adapters.directory_items import DirectoryItems

        ended = self.ended_channels()
        return DirectoryItems(self._dynamodb, self._names.rules_table, clock, ended)

    def push_keys(self) -> PushKeys:
        """Return the store of the stage's Web Push key pair."""
        from chalicelib.adapters.push_keys import PushKeys

        return PushKeys(self._dynamodb, self._names.rules_table)

    def symbols(self) -> SymbolStore:
        """Return the store of the lists of symbols."""
        from chalicelib.adapters.symbols import Symbols

        return Symbols(self._dynamodb, self._names.symbols_table)

    def producers(self) -> ProducerStore:
        """Return the store of the producers' reports."""
        from chalicelib.adapters.producers import Producers

        return Producers(self._dynamodb, self._names.symbols_table)

    def compaction_lease(self) -> Lease:
        """Return the lease that lets one compaction run at a time."""
        from chalicelib.adapters.lease import CompactionLease

        return CompactionLease(self._dynamodb, self._names.symbols_table)

    def keys(self) -> KeyStore:
        """Return the store of API keys."""
        from chalicelib.adapters.keys import Keys

        return Keys(self._dynamodb, self._names.keys_table)

    def eraser(self) -> SeriesEraser:
        """Return the eraser of a symbol's prices, bars and alerts."""
        from chalicelib.adapters.erasing import Eraser

        names = self._names
        tables = {"prices": names.prices_table, "bars": names.bars_table}
        return Eraser(self._dynamodb, **tables, alerts=names.alerts_table)
