"""Runs the API's routes on fakes: an app, its clock, and symbols filled as the pipeline would."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import pytest
from chalice.app import Chalice
from chalice.config import Config
from chalice.test import TestHTTPClient as HTTPClient

from chalicelib.adapters.channels import Channels
from chalicelib.adapters.mutes import Mutes
from chalicelib.adapters.push_keys import PushKeys, generated
from chalicelib.adapters.sealing import Sealing
from chalicelib.api import access, routes
from chalicelib.api.problems import denied
from chalicelib.bootstrap import link_key_of
from chalicelib.domain.detection import State, Watch, advance
from chalicelib.domain.rules import default_rules
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from chalicelib.services.access import key_ring
from chalicelib.services.access.key_ring import KeyRing
from chalicelib.services.access.rate_limit import RateLimit
from chalicelib.services.bars.writing import BarWriter
from chalicelib.services.delivery.channel_book import ChannelBook
from chalicelib.services.delivery.mute_book import MuteBook
from chalicelib.services.delivery.push_key import PushKeyRing
from chalicelib.services.health import HealthCheck
from chalicelib.services.market_data.market_data import MarketData
from chalicelib.services.priced import PricedRecord
from chalicelib.services.reports.lists import ReportLists
from chalicelib.services.reports.reports import Reports
from chalicelib.services.rules.preview import Preview
from chalicelib.services.stores import Stores
from chalicelib.services.symbol_stores import SymbolEntry
from chalicelib.services.symbols.forgetting import Forget
from chalicelib.services.symbols.silence import SilenceCheck
from chalicelib.settings import EVERY_TICK, Settings
from embedded_aws.api_gateway.gateway import gateway
from infra.deploy.gateway import DENIED
from rigs.memory_aws import system as memory_aws
from rigs.memory_aws.system import KMS, Aws
from tests.fake_lake import FakeLake
from tests.fakes import FakeEraser, FakeKeys, fake_stores
from tests.patience import PATIENCE_SECONDS

NOW = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)  # a Friday, in New York's session
TOKEN = "a-token-of-the-tests"
DATA = Path(__file__).parent / "data"

SETTINGS = msgspec.structs.replace(
    memory_aws.SETTINGS, write_token_sha256=key_ring.fingerprint(TOKEN)
)

ADMIN = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
"""Headers with the deployment's key."""


class FakeServices:
    """The services of the routes. A test may change `now`."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.stores: Stores = fake_stores()
        self.now = NOW
        percent = Decimal(settings.anomaly_percent)
        every_tick = settings.alerts == EVERY_TICK
        self.defaults = default_rules(
            settings.sma_fast, settings.sma_slow, percent, every_tick=every_tick
        )
        self.key_store = FakeKeys()
        self.keys = KeyRing(self.key_store, self.clock, settings.write_token_sha256)
        rules = Aws().dynamodb, "rules"
        sealing = Sealing(KMS(), "alias/test", "test")
        keys = PushKeyRing(PushKeys(*rules), sealing.seal, generated)
        self.channels = ChannelBook(Channels(*rules), sealing.seal, self.clock, keys)
        key = link_key_of(settings)
        self.mutes = MuteBook(Mutes(*rules, self.clock), lambda: self.stores.state, self.clock, key)
        self.rate_limit = RateLimit(self.key_store, self.clock)
        self.lake = FakeLake()
        self.reports = Reports(
            self.lake, self.lake.link, ReportLists(self.lake.state, self.clock), self.clock
        )
        self.forget = Forget(
            self.stores, FakeEraser(self.stores), lambda _symbol: None, lambda: self.now
        )
        self.preview = Preview(self.stores, Watch((), settings.sma_fast, settings.sma_slow))

    @cached_property
    def health(self) -> HealthCheck:
        """See Services.health."""
        is_closed = self.settings.read_access == "closed"
        silence = SilenceCheck(self.stores, self.clock, self.settings.silent_after_seconds)
        given = self.stores, self.clock, self.channels.all, silence
        return HealthCheck(*given, stage=self.settings.stage, is_closed=is_closed)

    def market_data(self) -> MarketData:
        """See Services.market_data."""
        fast, slow = self.settings.sma_fast, self.settings.sma_slow
        percent = Decimal(self.settings.anomaly_percent)
        return MarketData(self.stores, self.clock, anomaly_percent=percent, fast=fast, slow=slow)

    def clock(self) -> datetime:
        """Return the time that the test has set."""
        return self.now

    def key(self, *scopes: str, **fields: object) -> str:
        """Create a key with these scopes and return its token."""
        return self.keys.create({"name": "a test", "scopes": list(scopes), **fields})[1]


class Answer:
    """An HTTP response, as tests read it."""

    def __init__(self, response: Any) -> None:
        self.status: int = response.status_code
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.body: bytes = response.body

    @property
    def json(self) -> Any:
        """Return the parsed body, with exact numbers."""
        return json.loads(self.body, parse_float=Decimal, parse_int=Decimal)

    @property
    def rows(self) -> list[dict[str, str]]:
        """Return the body parsed as CSV, one dict per row."""
        return list(csv.DictReader(io.StringIO(self.body.decode())))


class Client:
    """Sends requests to an app that serves `services`."""

    def __init__(self, services: FakeServices, *, origin: str = "") -> None:
        app = Chalice("ticktape-test")
        app.api.cors = routes.cors(origin)
        authorizer = app.authorizer(ttl_seconds=access.CACHE_SECONDS)(self._authorize)
        app.register_blueprint(
            routes.make_blueprint(
                lambda: services, authorizer, read_access=services.settings.read_access
            )
        )
        self.app = app
        self._services = services
        self._http = HTTPClient(app, Config.create())
        self._http._local_gateway = gateway(
            app, lambda: services.clock().timestamp(), denied(*DENIED)[1]
        )

    def _authorize(self, request: Any) -> Any:
        return access.authorize(request, self._services.keys)

    def get(self, path: str, **headers: str) -> Answer:
        """Send a GET request. Underscores in header names stand for hyphens."""
        return self.send("GET", path, headers=headers)

    def send(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send a request with any method and a JSON body."""
        named = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        raw = b"" if body is None else json.dumps(body).encode()
        return Answer(self._http.request(method, path, headers=named, body=raw))


@pytest.fixture(name="services")
def closed_services() -> FakeServices:
    """Return services that answer only readers with a key."""
    return FakeServices(msgspec.structs.replace(SETTINGS, read_access="closed"))


@pytest.fixture(name="client")
def closed_client(services: FakeServices) -> Client:
    """Return a client of an app that serves `services`."""
    return Client(services)


def send(client: Client, method: str, path: str, body: object = None, **headers: str) -> Answer:
    """Send a request with the deployment's key, unless `headers` names another key."""
    return client.send(method, path, body, ADMIN | headers)


def fill(services: FakeServices, ticks: Sequence[Tick]) -> None:
    """Store ticks of one symbol and everything that detection computes from them."""
    stores = services.stores
    arrival = to_text(services.now)
    stores.prices.write([PricedRecord((tick,), arrival) for tick in ticks], 0.0)
    symbol = ticks[0].symbol
    stores.symbols.put("seen", SymbolEntry(symbol=symbol, added_at=arrival, source=ticks[0].source))
    state = stores.state.get(symbol) or State(symbol=symbol)
    left = list(ticks)
    while left:
        outcome = advance(state, left, Watch(services.defaults), lambda tick: "")
        for bar in outcome.closed:
            stores.bars.put(bar, arrival)
        writer = BarWriter(stores.bars)
        writer.put_hours(symbol, ticks[0].exchange_timezone, outcome.hours, arrival)
        stores.alerts.record_all(outcome.state.pending, ticks[0].exchange_timezone)
        stores.state.put(outcome.state)
        state, left = stores.state.get(symbol) or state, left[outcome.taken :]


def make_ticks(
    count: int,
    symbol: str = "TEST",
    *,
    end: datetime = NOW,
    step_seconds: float = 60,
    source: str = "simulator",
    timezone: str = "UTC",
) -> list[Tick]:
    """Return `count` ticks up to `end`, whose prices rise and fall."""
    first = end - timedelta(seconds=step_seconds * (count - 1))
    return [
        Tick(
            symbol=symbol,
            timestamp=to_text(first + timedelta(seconds=step_seconds * n)),
            price=Decimal(100 + (n * 7) % 13) + Decimal(n % 4) / 4,
            previous_close=Decimal(100),
            volume=Decimal(10 * n),
            source=source,
            exchange_timezone=timezone,
            currency="USD",
            market_state="REGULAR",
        )
        for n in range(count)
    ]


def aapl_ticks() -> list[Tick]:
    """Return AAPL's days of 2015 to 2017 as ticks, one at each close."""
    text = (DATA / "aapl-daily-2015-2017.csv").read_text()
    calendar = calendar_for("AAPL", None)
    before: Decimal | None = None
    ticks = []
    for row in csv.DictReader(io.StringIO(text)):
        close = calendar.closing_instant(date.fromisoformat(row["date"]))
        ticks.append(
            Tick(
                symbol="AAPL",
                timestamp=to_text(close),
                price=Decimal(row["close"]),
                open=Decimal(row["open"]),
                high=Decimal(row["high"]),
                low=Decimal(row["low"]),
                previous_close=before,
                volume=Decimal(row["volume"]),
                source="replay",
                mode="replay",
            )
        )
        before = ticks[-1].price
    return ticks


def walk(client: Client, path: str, rows_name: str = "prices") -> Iterable[Any]:
    """Return all rows of a query, page by page."""
    token = ""
    while True:
        joint = "&" if "?" in path else "?"
        page = client.get(f"{path}{joint}page_token={token}").json
        yield from page[rows_name]
        token = page["next_page_token"]
        if token is None:
            return


def wait_for_a_price(system: Any, symbol: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until a running system has a quote of the symbol. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not system.get(f"/quotes?symbols={symbol}")["quotes"]:
        if time.monotonic() > end:
            raise TimeoutError(f"no price of {symbol} after {seconds} s")
        time.sleep(0.3)
