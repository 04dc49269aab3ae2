"""Wiring: settings -> clients (created on first use) -> stores -> services, once per container."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any

from chalicelib import settings as settings_module
from chalicelib.adapters import json_logs
from chalicelib.settings import Settings

if TYPE_CHECKING:  # functions must not wait for each other's imports
    from chalicelib.domain.channels import StoredChannel
    from chalicelib.domain.detection import Watch
    from chalicelib.domain.rules import BrokenRule, Rule
    from chalicelib.services.access.key_ring import KeyRing, KeyStore
    from chalicelib.services.access.rate_limit import RateLimit
    from chalicelib.services.delivery.channel import Channel
    from chalicelib.services.delivery.channel_book import ChannelBook
    from chalicelib.services.delivery.deliver import Deliver
    from chalicelib.services.delivery.directory import Directory
    from chalicelib.services.delivery.mute_book import MuteBook
    from chalicelib.services.detect.detect import Detect
    from chalicelib.services.health import HealthCheck
    from chalicelib.services.ingest.ingest import Ingest
    from chalicelib.services.lake.compact import Compact
    from chalicelib.services.lake.stores import LakeStores
    from chalicelib.services.market_data.market_data import MarketData
    from chalicelib.services.push.push import Push
    from chalicelib.services.rebuild.rebuild import Rebuild
    from chalicelib.services.reports.reports import Reports
    from chalicelib.services.rules.preview import Preview
    from chalicelib.services.stores import (
        ActionStore,
        AlertStore,
        FailureStore,
        RuleStore,
        StateStore,
        Stores,
    )
    from chalicelib.services.symbol_stores import ProducerStore
    from chalicelib.services.symbols.forgetting import Forget
    from chalicelib.services.symbols.silence import SilenceCheck

RULES_KEPT_SECONDS = 30
RESERVED_SECONDS = 8.0
"""Seconds of an invocation's time reserved for the work after its writes."""

Clock = Callable[[], datetime]

log = logging.getLogger("ticktape.rules")


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


class CachedRules:
    """The rules of the table and the default ones, read again when they are outdated.

    left_out: rules stored beyond the bound of a symbol, which are not judged.
    """

    def __init__(self, store: RuleStore, defaults: tuple[Rule, ...]) -> None:
        self._store = store
        self._defaults = defaults
        self._rules: tuple[Rule, ...] = ()
        self._replaced: frozenset[str] = frozenset()
        self.left_out: tuple[BrokenRule, ...] = ()
        self._read_at = float("-inf")

    def __call__(self) -> tuple[Rule, ...]:
        """Return all rules; a stored one replaces the default with its id."""
        if time.monotonic() - self._read_at > RULES_KEPT_SECONDS:
            stored = self._store.all()
            self._replaced = frozenset(rule.rule_id for rule in stored)
            self._rules = self._with_defaults(stored)
            self._leave_out()
            self._read_at = time.monotonic()
        return self._rules

    def _leave_out(self) -> None:
        from chalicelib.domain.rules import beyond_bound

        self.left_out = beyond_bound(self._rules)
        if self.left_out:
            shown = ", ".join(f"{rule.rule_id} of {rule.symbol}" for rule in self.left_out[:20])
            log.warning(
                "%d rules are not judged: %s: %s",
                len(self.left_out),
                self.left_out[0].problem,
                shown,
            )

    def now(self, symbol: str) -> tuple[Rule, ...]:
        """Read the current rules of a symbol: two Queries.

        Which defaults another symbol's rule replaces is known only from the last reading of all
        rules. The rules of all symbols are read again with the next call.
        """
        from chalicelib.domain.rules import ANY_SYMBOL

        self._read_at = float("-inf")
        return self._with_defaults([*self._store.of(symbol), *self._store.of(ANY_SYMBOL)])

    def _with_defaults(self, rules: Sequence[Rule]) -> tuple[Rule, ...]:
        stored = self._replaced.union(rule.rule_id for rule in rules)
        kept = tuple(rule for rule in self._defaults if rule.rule_id not in stored)
        return (*kept, *rules)


class Services:
    """The services for handlers and routes, created on first use."""

    def __init__(self, settings: Settings, clock: Clock = utc_now, clients: Any = None) -> None:
        self.settings = settings
        self.clock = clock
        self._clients = clients

    @property
    def anomaly_percent(self) -> Decimal:
        """Return ANOMALY_PERCENT as a number."""
        return Decimal(self.settings.anomaly_percent)

    @cached_property
    def stores(self) -> Stores:
        """Return all stores over one set of clients."""
        return aws_stores(self.settings, self._clients)

    @cached_property
    def _key_store(self) -> KeyStore:
        from chalicelib.adapters.clients import Clients, Deferred
        from chalicelib.adapters.keys import Keys

        clients = self._clients or Clients(self.settings.account_id)
        return Keys(Deferred(lambda: clients.dynamodb), self.settings.keys_table)

    @cached_property
    def keys(self) -> KeyRing:
        """Return the API's keys, the only service that the authorizer needs."""
        from chalicelib.services.access.key_ring import KeyRing

        return KeyRing(self._key_store, self.clock, self.settings.write_token_sha256)

    @cached_property
    def channels(self) -> ChannelBook:
        """Return the channels that alerts are sent to. Reading them decrypts nothing."""
        from chalicelib.adapters.channels import Channels
        from chalicelib.adapters.clients import Clients, Deferred
        from chalicelib.adapters.ended_channels import EndedChannels
        from chalicelib.adapters.push_keys import PushKeys, generated
        from chalicelib.adapters.sealing import Sealing
        from chalicelib.services.delivery.channel_book import ChannelBook
        from chalicelib.services.delivery.push_key import PushKeyRing

        settings, clients = self.settings, self._clients or Clients(self.settings.account_id)
        dynamodb = Deferred(lambda: clients.dynamodb)
        ended = EndedChannels(dynamodb, settings.alerts_table)
        store = Channels(dynamodb, settings.rules_table, ended)
        sealing = Sealing(Deferred(lambda: clients.kms), settings.channels_key, settings.stage)
        keys = PushKeyRing(PushKeys(dynamodb, settings.rules_table), sealing.seal, generated)
        return ChannelBook(store, sealing, self.clock, keys)

    @cached_property
    def mutes(self) -> MuteBook:
        """Return the mutes of alerts."""
        from chalicelib.adapters.clients import Clients, Deferred
        from chalicelib.adapters.mutes import Mutes
        from chalicelib.services.delivery.mute_book import MuteBook

        settings, clients = self.settings, self._clients or Clients(self.settings.account_id)
        store = Mutes(Deferred(lambda: clients.dynamodb), settings.rules_table, self.clock)
        return MuteBook(store, lambda: self.stores.state, self.clock, link_key_of(settings))

    @cached_property
    def rate_limit(self) -> RateLimit:
        """Return the rate limit of keys."""
        from chalicelib.services.access.rate_limit import RateLimit

        return RateLimit(self._key_store, self.clock)

    @cached_property
    def defaults(self) -> tuple[Rule, ...]:
        """Return the default rules."""
        from chalicelib.domain.rules import default_rules

        fast, slow = self.settings.sma_fast, self.settings.sma_slow
        every_tick = self.settings.alerts == settings_module.EVERY_TICK
        return default_rules(fast, slow, self.anomaly_percent, every_tick=every_tick)

    @property
    def shown(self) -> Watch:
        """Return the averages shown with prices."""
        from chalicelib.domain.detection import Watch

        return Watch((), self.settings.sma_fast, self.settings.sma_slow)

    @cached_property
    def rules(self) -> CachedRules:
        """Return the rules in force."""
        return CachedRules(self.stores.rules, self.defaults)

    @cached_property
    def ingest(self) -> Ingest:
        """Return the service of the stream and the queue."""
        from chalicelib.services.ingest.ingest import Ingest

        return Ingest(self.stores, self.clock, self.settings.max_symbols)

    @cached_property
    def detect(self) -> Detect:
        """Return the service of the prices table's stream."""
        from chalicelib.services.detect.detect import Detect, Options

        options = Options(
            fast=self.settings.sma_fast,
            slow=self.settings.sma_slow,
            anomaly_percent=self.anomaly_percent,
            quiet_after_seconds=self.settings.quiet_after_seconds,
            prices_days=self.settings.prices_ttl_days,
        )
        return Detect(self.stores, self.rules, options, self.clock)

    @cached_property
    def deliver(self) -> Deliver:
        """The service behind the alerts table's stream and the queue of further attempts."""
        from chalicelib.adapters.bars import Bars
        from chalicelib.adapters.clients import Clients, Deferred
        from chalicelib.adapters.deliveries import Deliveries
        from chalicelib.adapters.digests import Digests
        from chalicelib.adapters.retries import Retries
        from chalicelib.services.delivery.deliver import Deliver
        from chalicelib.services.delivery.pictures import Pictures

        settings, clients = self.settings, self._clients or Clients(self.settings.account_id)
        dynamodb = Deferred(lambda: clients.dynamodb)
        store = Deliveries(dynamodb, settings.alerts_table)
        digests = Digests(dynamodb, settings.alerts_table)
        queues = settings.deliveries_queue_url, settings.deliveries_dead_queue_url
        retries = Retries(Deferred(lambda: clients.sqs), *queues)
        channels = aws_channels(settings, clients, self.clock)
        bars = Bars(dynamodb, settings.bars_table, {})
        given = digests, partial(Pictures, bars), link_key_of(settings)
        return Deliver(store, channels, retries, settings.page_url, self.clock, *given)

    def market_data(self) -> MarketData:
        """Return a reader of prices, for one request."""
        from chalicelib.services.market_data.market_data import MarketData

        fast, slow = self.settings.sma_fast, self.settings.sma_slow
        percent = self.anomaly_percent
        return MarketData(self.stores, self.clock, anomaly_percent=percent, fast=fast, slow=slow)

    @cached_property
    def push(self) -> Push:
        """Return the service of the state table's stream."""
        from chalicelib.adapters.event_api import EventApi
        from chalicelib.services.push.push import Push

        publisher = EventApi(self.settings.push_url)
        return Push(self.market_data().quote, publisher, self.settings.push_channels)

    @cached_property
    def rebuild(self) -> Rebuild:
        """Return the service that rebuilds bars and state from prices."""
        from chalicelib.services.rebuild.rebuild import Rebuild

        days = self.settings.prices_ttl_days
        return Rebuild(self.stores, self.rules.now, self.shown, days, self.clock)

    @cached_property
    def preview(self) -> Preview:
        """Return the preview of rules."""
        from chalicelib.services.rules.preview import Preview

        return Preview(self.stores, self.shown)

    @cached_property
    def silence(self) -> SilenceCheck:
        """Return the check for symbols that should trade and are silent."""
        from chalicelib.services.symbols.silence import SilenceCheck

        return SilenceCheck(self.stores, self.clock, self.settings.silent_after_seconds)

    @cached_property
    def health(self) -> HealthCheck:
        """Return the health check, which caches its answer briefly."""
        from chalicelib.services.health import HealthCheck

        is_closed = self.settings.read_access == "closed"
        given = self.stores, self.clock, self.channels.all, self.silence
        return HealthCheck(*given, stage=self.settings.stage, is_closed=is_closed)

    @cached_property
    def forget(self) -> Forget:
        """Return the service that deletes a symbol's data."""
        from chalicelib.adapters.clients import Clients, Deferred
        from chalicelib.adapters.erasing import Eraser, Tables
        from chalicelib.services.symbols.forgetting import Forget

        settings, clients = self.settings, self._clients or Clients(self.settings.account_id)
        tables = Tables(settings.prices_table, settings.bars_table, settings.alerts_table)
        eraser = Eraser(Deferred(lambda: clients.dynamodb), tables)
        return Forget(self.stores, eraser, self._unlearn, self.clock)

    def _unlearn(self, symbol: str) -> None:
        """Clear the services' caches of a symbol."""
        for name in ("ingest", "detect"):
            if service := self.__dict__.get(name):
                service.unlearn(symbol)

    @cached_property
    def reports(self) -> Reports:
        """Return the statements over the lake, and their runs."""
        from chalicelib.adapters.athena import Athena
        from chalicelib.adapters.clients import Clients, Deferred
        from chalicelib.adapters.glue import GlueCatalog
        from chalicelib.adapters.result_links import ResultLinks
        from chalicelib.services.reports.lists import ReportLists
        from chalicelib.services.reports.reports import Reports

        settings, clients = self.settings, self._clients or Clients(self.settings.account_id)
        athena: Any = Deferred(lambda: clients.athena)
        lake = Athena(athena, settings.athena_workgroup, settings.athena_database)
        links = ResultLinks(Deferred(lambda: clients.s3))
        catalog = GlueCatalog(Deferred(lambda: clients.glue), settings.athena_database)
        lists = ReportLists(catalog.lake_state, self.clock)
        return Reports(lake if settings.athena_workgroup else None, links, lists, self.clock)

    @cached_property
    def compact(self) -> Compact:
        """Return the service of the schedule."""
        from chalicelib.services.lake.compact import Compact

        return Compact(aws_lake(self.settings, self._clients), self.clock)


def link_key_of(settings: Settings) -> bytes:
    """Return the key of the links in messages; empty for a stage without a token."""
    from chalicelib.domain.mute_links import link_key

    return link_key(settings.write_token_sha256, settings.stage)


def aws_lake(settings: Settings, clients: Any = None) -> LakeStores:
    """Return compaction's stores over Athena, Glue, S3 and DynamoDB; clients as for aws_stores."""
    from chalicelib.adapters.athena import Athena
    from chalicelib.adapters.clients import Clients, Deferred
    from chalicelib.adapters.glue import GlueCatalog
    from chalicelib.adapters.lake_objects import S3LakeObjects
    from chalicelib.adapters.lease import CompactionLease
    from chalicelib.adapters.raw_objects import S3RawObjects
    from chalicelib.services.lake.stores import LakeStores

    clients = clients or Clients(settings.account_id)
    athena: Any = Deferred(lambda: clients.athena)
    return LakeStores(
        engine=Athena(athena, settings.athena_workgroup, settings.athena_database),
        catalog=GlueCatalog(Deferred(lambda: clients.glue), settings.athena_database),
        objects=S3LakeObjects(Deferred(lambda: clients.s3), settings.archive_bucket),
        lease=CompactionLease(Deferred(lambda: clients.dynamodb), settings.symbols_table),
        raw=S3RawObjects(Deferred(lambda: clients.s3), settings.archive_bucket),
    )


def push_contact(page_url: str) -> str:
    """Return the sender's contact for push services: the page, or an address that is nobody's where
    the page is on this machine, which some services would refuse."""
    return page_url if page_url.startswith("https://") else "mailto:ticktape@example.com"


def aws_channels(settings: Settings, clients: Any, clock: Callable[[], datetime]) -> Directory:
    """The channels that alerts are sent over."""
    from chalicelib.adapters.clients import Deferred
    from chalicelib.adapters.directory_items import DirectoryItems
    from chalicelib.adapters.ended_channels import EndedChannels
    from chalicelib.adapters.sealed_channel import SealedChannel
    from chalicelib.adapters.sealing import Sealing
    from chalicelib.adapters.topic import Topic
    from chalicelib.services.delivery.directory import Directory

    topic = Topic(Deferred(lambda: clients.sns), settings.alerts_topic_arn)
    sealing = Sealing(Deferred(lambda: clients.kms), settings.channels_key, settings.stage)
    dynamodb = Deferred(lambda: clients.dynamodb)
    ended = EndedChannels(dynamodb, settings.alerts_table)
    contact = push_contact(settings.page_url)

    def make(stored: StoredChannel) -> Channel:
        if stored.kind == "sns":
            return topic
        return SealedChannel(stored, sealing, contact=contact, note_ended=ended.note)

    items = DirectoryItems(dynamodb, settings.rules_table, clock, ended)
    return Directory(items, make)


def aws_stores(settings: Settings, clients: Any = None) -> Stores:
    """Return the stores over DynamoDB and S3; clients are created with their first request, and
    stores that ingest does not use with their first call.

    `clients` has the attributes of adapters.clients.Clients, which is the default.
    """
    from chalicelib.adapters.archive import S3Archive
    from chalicelib.adapters.bars import Bars
    from chalicelib.adapters.clients import Clients, Deferred
    from chalicelib.adapters.prices import Prices
    from chalicelib.adapters.symbols import Symbols
    from chalicelib.services.stores import Stores

    clients = clients or Clients(settings.account_id)
    dynamodb: Any = Deferred(lambda: clients.dynamodb)
    s3: Any = Deferred(lambda: clients.s3)
    ttl_days = {"1m": settings.bars_1m_ttl_days, "1h": settings.bars_1h_ttl_days}
    percent = Decimal(settings.anomaly_percent)

    return Stores(
        prices=Prices(dynamodb, settings.prices_table, percent, settings.prices_ttl_days),
        bars=Bars(dynamodb, settings.bars_table, ttl_days),
        actions=_on_demand(_actions, dynamodb, settings.bars_table),
        state=_on_demand(_states, dynamodb, settings.state_table),
        alerts=_on_demand(_alerts, dynamodb, settings.alerts_table),
        rules=_on_demand(_rules, dynamodb, settings.rules_table),
        symbols=Symbols(dynamodb, settings.symbols_table),
        archive=S3Archive(s3, settings.archive_bucket),
        failures=_on_demand(_failures, s3, settings.failures_bucket),
        producers=_on_demand(_producers, dynamodb, settings.symbols_table),
    )


def _on_demand(make: Callable[[Any, str], Any], client: Any, place: str) -> Any:
    """Return a store that `make` imports and makes over a table or bucket when it is first used."""
    from chalicelib.adapters.clients import OnDemand

    return OnDemand(lambda: make(client, place))


def _actions(client: Any, table: str) -> ActionStore:
    from chalicelib.adapters.actions import Actions

    return Actions(client, table)


def _states(client: Any, table: str) -> StateStore:
    from chalicelib.adapters.state import States

    return States(client, table)


def _alerts(client: Any, table: str) -> AlertStore:
    from chalicelib.adapters.alerts import Alerts

    return Alerts(client, table)


def _rules(client: Any, table: str) -> RuleStore:
    from chalicelib.adapters.rules import Rules

    return Rules(client, table)


def _failures(client: Any, bucket: str) -> FailureStore:
    from chalicelib.adapters.failures import Failures

    return Failures(client, bucket)


def _producers(client: Any, table: str) -> ProducerStore:
    from chalicelib.adapters.producers import Producers

    return Producers(client, table)


@cache
def get_settings() -> Settings:
    """Return the process's settings. Raises SettingsError."""
    settings = settings_module.load(os.environ)
    logging.getLogger("ticktape").setLevel(settings.log_level)
    if settings.aws_lambda_function_name:
        json_logs.configure(settings.aws_lambda_function_name)
    return settings


@cache
def get_services() -> Services:
    """Return the process's services."""
    return Services(get_settings())


def deadline(remaining_milliseconds: int) -> float:
    """Return the time.monotonic until which an invocation may write."""
    return time.monotonic() + max(1.0, remaining_milliseconds / 1000 - RESERVED_SECONDS)
