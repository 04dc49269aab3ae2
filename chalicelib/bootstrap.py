"""Wires the system once per container: settings -> clients -> stores -> services, on first use."""

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
from chalicelib.tables import Tables

if TYPE_CHECKING:  # each function imports only what it uses
    from chalicelib.adapters.athena import Athena
    from chalicelib.adapters.glue import GlueCatalog
    from chalicelib.adapters.sealing import Sealing
    from chalicelib.domain.channels import StoredChannel
    from chalicelib.domain.detection import Watch
    from chalicelib.domain.rules import BrokenRule, Rule
    from chalicelib.services.access.key_ring import KeyRing
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
    from chalicelib.services.stores import RuleStore, Stores
    from chalicelib.services.symbols.forgetting import Forget
    from chalicelib.services.symbols.silence import SilenceCheck

RULES_KEPT_SECONDS = 30
RESERVED_SECONDS = 8.0
"""The part of an invocation's time that is reserved for the work after its writes."""

Clock = Callable[[], datetime]

log = logging.getLogger("ticktape.rules")


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


class CachedRules:
    """The stored rules and the default rules, cached for RULES_KEPT_SECONDS.

    `left_out` has the rules above a symbol's limit, which are not judged.
    """

    def __init__(self, store: RuleStore, defaults: tuple[Rule, ...]) -> None:
        self._store = store
        self._defaults = defaults
        self._rules: tuple[Rule, ...] = ()
        self._replaced: frozenset[str] = frozenset()
        self.left_out: tuple[BrokenRule, ...] = ()
        self._read_at = float("-inf")

    def __call__(self) -> tuple[Rule, ...]:
        """Return all rules. A stored rule replaces the default rule with the same id."""
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
        """Return the current rules of a symbol, including default rules, by two Queries.

        If a rule of another symbol replaces a default, the default is left out only if that rule
        existed when all rules were last read. The next call for all rules reads them again.
        """
        from chalicelib.domain.rules import ANY_SYMBOL

        self._read_at = float("-inf")
        return self._with_defaults([*self._store.of(symbol), *self._store.of(ANY_SYMBOL)])

    def _with_defaults(self, rules: Sequence[Rule]) -> tuple[Rule, ...]:
        stored = self._replaced.union(rule.rule_id for rule in rules)
        kept = tuple(rule for rule in self._defaults if rule.rule_id not in stored)
        return (*kept, *rules)


class Services:
    """The services that handlers and routes use. Each is created on first use."""

    def __init__(self, settings: Settings, clock: Clock = utc_now, clients: Any = None) -> None:
        self.settings = settings
        self.clock = clock
        self._clients = aws_clients(settings, clients)

    @cached_property
    def _tables(self) -> Tables:
        return Tables(self.settings, self._clients.dynamodb)

    @property
    def anomaly_percent(self) -> Decimal:
        """Return the setting ANOMALY_PERCENT as a number."""
        return Decimal(self.settings.anomaly_percent)

    @cached_property
    def stores(self) -> Stores:
        """Return all stores, which share one set of clients."""
        return aws_stores(self.settings, self._clients)

    @cached_property
    def keys(self) -> KeyRing:
        """Return the service that looks up API keys. The authorizer needs no other service."""
        from chalicelib.services.access.key_ring import KeyRing

        return KeyRing(self._tables.keys(), self.clock, self.settings.write_token_sha256)

    @cached_property
    def channels(self) -> ChannelBook:
        """Return the service that reads and changes channels. A read decrypts nothing."""
        from chalicelib.adapters.push_keys import generated
        from chalicelib.services.delivery.channel_book import ChannelBook
        from chalicelib.services.delivery.push_key import PushKeyRing

        seal = _sealing(self.settings, self._clients).seal
        keys = PushKeyRing(self._tables.push_keys(), seal, generated)
        return ChannelBook(self._tables.channels(), seal, self.clock, keys)

    @cached_property
    def mutes(self) -> MuteBook:
        """Return the service that reads and changes mutes."""
        from chalicelib.services.delivery.mute_book import MuteBook

        store = self._tables.mutes(self.clock)
        key = link_key_of(self.settings)
        return MuteBook(store, lambda: self.stores.state, self.clock, key)

    @cached_property
    def rate_limit(self) -> RateLimit:
        """Return the rate limit of API keys."""
        from chalicelib.services.access.rate_limit import RateLimit

        return RateLimit(self._tables.keys(), self.clock)

    @cached_property
    def defaults(self) -> tuple[Rule, ...]:
        """Return the default rules."""
        from chalicelib.domain.rules import default_rules

        fast, slow = self.settings.sma_fast, self.settings.sma_slow
        every_tick = self.settings.alerts == settings_module.EVERY_TICK
        return default_rules(fast, slow, self.anomaly_percent, every_tick=every_tick)

    @property
    def shown(self) -> Watch:
        """Return the averages that are shown with prices."""
        from chalicelib.domain.detection import Watch

        return Watch((), self.settings.sma_fast, self.settings.sma_slow)

    @cached_property
    def rules(self) -> CachedRules:
        """Return the cache of the rules in force."""
        return CachedRules(self.stores.rules, self.defaults)

    @cached_property
    def ingest(self) -> Ingest:
        """Return the service that stores the records of the stream or the queue."""
        from chalicelib.services.ingest.ingest import Ingest

        return Ingest(self.stores, self.clock, self.settings.max_symbols)

    @cached_property
    def detect(self) -> Detect:
        """Return the service that processes the prices table's stream."""
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
        """Return the service that delivers alerts, at the first and at further attempts."""
        from chalicelib.adapters.retries import Retries
        from chalicelib.services.delivery.deliver import Deliver
        from chalicelib.services.delivery.pictures import Pictures

        settings, tables = self.settings, self._tables
        queues = settings.deliveries_queue_url, settings.deliveries_dead_queue_url
        retries = Retries(self._clients.sqs, *queues)
        channels = aws_channels(settings, self._clients, self.clock)
        given = tables.digests(), partial(Pictures, tables.bars({})), link_key_of(settings)
        store = tables.deliveries()
        return Deliver(store, channels, retries, settings.page_url, self.clock, *given)

    def market_data(self) -> MarketData:
        """Return a new reader of prices, for one request."""
        from chalicelib.services.market_data.market_data import MarketData

        fast, slow = self.settings.sma_fast, self.settings.sma_slow
        percent = self.anomaly_percent
        return MarketData(self.stores, self.clock, anomaly_percent=percent, fast=fast, slow=slow)

    @cached_property
    def push(self) -> Push:
        """Return the service that publishes the quotes of symbols with a new state."""
        from chalicelib.adapters.event_api import EventApi
        from chalicelib.services.push.push import Push

        publish = EventApi(self.settings.push_url).publish
        return Push(self.market_data().quote, publish, self.settings.push_channels)

    @cached_property
    def rebuild(self) -> Rebuild:
        """Return the service that recomputes bars and state from stored ticks."""
        from chalicelib.services.rebuild.rebuild import Rebuild

        days = self.settings.prices_ttl_days
        return Rebuild(self.stores, self.rules.now, self.shown, days, self.clock)

    @cached_property
    def preview(self) -> Preview:
        """Return the service that previews rules."""
        from chalicelib.services.rules.preview import Preview

        return Preview(self.stores, self.shown)

    @cached_property
    def silence(self) -> SilenceCheck:
        """Return the check for silent symbols."""
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
        from chalicelib.services.symbols.forgetting import Forget

        return Forget(self.stores, self._tables.eraser(), self._unlearn, self.clock)

    def _unlearn(self, symbol: str) -> None:
        """Clear what ingest and detect have cached of a symbol, if they have been created."""
        for name in ("ingest", "detect"):
            if service := self.__dict__.get(name):
                service.unlearn(symbol)

    @cached_property
    def reports(self) -> Reports:
        """Return the service that runs reports over the lake. Without Athena it has no engine."""
        from chalicelib.adapters.result_links import result_link
        from chalicelib.services.reports.lists import ReportLists
        from chalicelib.services.reports.reports import Reports

        engine, catalog = _lake_engine(self.settings, self._clients)
        link = partial(result_link, self._clients.s3)
        lists = ReportLists(catalog.lake_state, self.clock)
        return Reports(engine if self.settings.athena_workgroup else None, link, lists, self.clock)

    @cached_property
    def compact(self) -> Compact:
        """Return the service that merges and compacts the raw archive."""
        from chalicelib.services.lake.compact import Compact

        return Compact(aws_lake(self.settings, self._clients), self.clock)


def link_key_of(settings: Settings) -> bytes:
    """Return the key that signs the links in messages; empty for a stage without a token."""
    from chalicelib.domain.mute_links import link_key

    return link_key(settings.write_token_sha256, settings.stage)


def aws_clients(settings: Settings, clients: Any = None) -> Any:
    """Return AWS clients as attributes. Each is created by `clients` at its first call. `clients`
    is by default adapters.clients.Clients."""
    from chalicelib.adapters.clients import Clients, DeferredClients

    return DeferredClients(clients or Clients(settings.account_id))


def aws_lake(settings: Settings, clients: Any = None) -> LakeStores:
    """Return compaction's stores over Athena, Glue, S3 and DynamoDB. `clients`: see aws_clients."""
    from chalicelib.adapters.lake_objects import S3LakeObjects
    from chalicelib.adapters.raw_objects import S3RawObjects
    from chalicelib.services.lake.stores import LakeStores

    clients = aws_clients(settings, clients)
    engine, catalog = _lake_engine(settings, clients)
    return LakeStores(
        engine=engine,
        catalog=catalog,
        objects=S3LakeObjects(clients.s3, settings.archive_bucket),
        lease=Tables(settings, clients.dynamodb).compaction_lease(),
        raw=S3RawObjects(clients.s3, settings.archive_bucket),
    )


def _lake_engine(settings: Settings, clients: Any) -> tuple[Athena, GlueCatalog]:
    from chalicelib.adapters.athena import Athena
    from chalicelib.adapters.glue import GlueCatalog

    engine = Athena(clients.athena, settings.athena_workgroup, settings.athena_database)
    return engine, GlueCatalog(clients.glue, settings.athena_database)


def push_contact(page_url: str) -> str:
    """Return the sender's contact for push services: the page's URL if it is https, otherwise a
    placeholder address. Some services refuse other URLs, such as the URL of a local machine."""
    return page_url if page_url.startswith("https://") else "mailto:ticktape@example.com"


def aws_channels(settings: Settings, clients: Any, clock: Callable[[], datetime]) -> Directory:
    """Return the directory of the channels to which alerts are sent."""
    from chalicelib.adapters.sealed_channel import SealedChannel
    from chalicelib.adapters.topic import Topic
    from chalicelib.services.delivery.directory import Directory

    tables = Tables(settings, clients.dynamodb)
    topic = Topic(clients.sns, settings.alerts_topic_arn)
    sealing, ended = _sealing(settings, clients), tables.ended_channels()
    contact = push_contact(settings.page_url)

    def make(stored: StoredChannel) -> Channel:
        if stored.kind == "sns":
            return topic
        return SealedChannel(stored, sealing, contact=contact, note_ended=ended.note)

    return Directory(tables.directory(clock).read, make)


def _sealing(settings: Settings, clients: Any) -> Sealing:
    from chalicelib.adapters.sealing import Sealing

    return Sealing(clients.kms, settings.channels_key, settings.stage)


def aws_stores(settings: Settings, clients: Any = None) -> Stores:
    """Return the stores over DynamoDB and S3. `clients`: see aws_clients.

    A client is created with its first request. A store that ingest does not use is created with its
    first call.
    """
    from chalicelib.adapters.archive import S3Archive
    from chalicelib.adapters.clients import OnDemand
    from chalicelib.services.stores import Stores

    clients = aws_clients(settings, clients)
    tables = Tables(settings, clients.dynamodb)
    ttl_days = {"1m": settings.bars_1m_ttl_days, "1h": settings.bars_1h_ttl_days}
    on_demand: Any = OnDemand

    def failures() -> int | None:
        from chalicelib.adapters.failures import count_batches

        return count_batches(clients.s3, settings.failures_bucket)

    return Stores(
        prices=tables.prices(Decimal(settings.anomaly_percent), settings.prices_ttl_days),
        bars=tables.bars(ttl_days),
        actions=on_demand(tables.actions),
        state=on_demand(tables.states),
        alerts=on_demand(tables.alerts),
        rules=on_demand(tables.rules),
        symbols=tables.symbols(),
        archive=S3Archive(clients.s3, settings.archive_bucket),
        failures=failures,
        producers=on_demand(tables.producers),
    )


@cache
def get_settings() -> Settings:
    """Return the process's settings, and configure its logs accordingly. Raises SettingsError."""
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
    """Return the time.monotonic until which an invocation may write. It is RESERVED_SECONDS before
    the invocation's end, but at least one second from now."""
    return time.monotonic() + max(1.0, remaining_milliseconds / 1000 - RESERVED_SECONDS)
